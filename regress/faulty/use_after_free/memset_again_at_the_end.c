//! kind: heap-use-after-free
//! access: write 8
//! position: 2992 bytes into a 3000-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

// The call that was right a moment before, at the end of a block of many cache lines.
static void misuse(char* block) { memset(block + 2992, 0, 8); }

int main(void) {
  char* block = allocate(3000);
  misuse(block);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
