//! kind: heap-use-after-free
//! access: read 96
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static char target[96];

static void misuse(char* block) { memcpy(target, block, 96); }

int main(void) {
  char* block = memset(allocate(96), 1, 96);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
