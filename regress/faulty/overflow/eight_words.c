//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static void misuse(char* block) { for (int i = 0; i < FAULT(96 + 64, 96); ++i) block[i] = 'x'; }

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
