//! kind: heap-use-after-free
//! access: read
//! position: 0 bytes into a 64-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static void misuse(const char* text) { printf("%s%s", "", text); }

int main(void) {
  char* text = memset(allocate(64), 0, 64);
  text[0] = ' ';
  stdout = fopen("/dev/null", "w");
  if (FAULTY) release(text);
  misuse(text);
  if (!FAULTY) release(text);
  return 0;
}
