//! kind: heap-buffer-overflow
//! access: write 1
//! position: 2 bytes before a 20000-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static void misuse(char* block) { block[FAULT(-2, 0)] = 'x'; }

int main(void) {
  char* block = allocate(20000);
  misuse(block);
  release(block);
  return 0;
}
