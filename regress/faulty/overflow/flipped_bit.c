//! kind: heap-buffer-overflow
//! access: write 1 | read 1
//! position: 2 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static void misuse(char* block) { block[FAULT(96 + 2, 94)] ^= 4; }

int main(void) {
  char* block = memset(allocate(96), 0, 96);
  misuse(block);
  release(block);
  return 0;
}
