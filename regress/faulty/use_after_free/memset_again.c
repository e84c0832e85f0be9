//! kind: heap-use-after-free
//! access: write 8
//! position: 40 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

// The call that was right a moment before.
static void misuse(char* block) { memset(block + 40, 0, 8); }

int main(void) {
  char* block = allocate(96);
  misuse(block);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
