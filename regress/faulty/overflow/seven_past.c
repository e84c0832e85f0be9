//! kind: heap-buffer-overflow
//! access: write 1
//! position: 7 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static void misuse(char* block) { block[FAULT(96 + 7, 89)] = 'x'; }

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
