//! kind: heap-use-after-free
//! access: read
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static volatile size_t length;

static void misuse(char* block) { length = strlen(block); }

int main(void) {
  char* block = allocate(96);
  strcpy(block, "a longer text than a link");
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
