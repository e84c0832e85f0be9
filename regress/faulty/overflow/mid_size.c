//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 20000-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static void misuse(char* block) { block[FAULT(20000, 19999)] = 'x'; }

int main(void) {
  char* block = allocate(20000);
  misuse(block);
  release(block);
  return 0;
}
