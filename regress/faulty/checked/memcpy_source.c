//! kind: heap-buffer-overflow
//! access: read 97
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static char target[512];

static void misuse(char* block) {
  memcpy(target, block, FAULT(97, 96));
}

int main(void) {
  char* block = memset(allocate(96), 1, 96);
  misuse(block);
  release(block);
  return 0;
}
