//! kind: heap-use-after-free
//! access: write 7
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static void misuse(char* block) { strcpy(block, "a text"); }

int main(void) {
  char* block = allocate(96);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
