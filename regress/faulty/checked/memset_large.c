//! kind: heap-buffer-overflow
//! access: write 1048577
//! position: 0 bytes past a 1048576-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static void misuse(char* block) {
  memset(block, 0, FAULT((1 << 20) + 1, 1 << 20));
}

int main(void) {
  char* block = allocate(1048576);
  misuse(block);
  release(block);
  return 0;
}
