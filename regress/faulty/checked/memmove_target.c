//! kind: heap-buffer-overflow
//! access: write 88
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static void misuse(char* block) {
  memmove(block + FAULT(9, 8), block, 88);
}

int main(void) {
  char* block = memset(allocate(96), 1, 96);
  misuse(block);
  release(block);
  return 0;
}
