//! kind: heap-buffer-overflow
//! access: read 200
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static void misuse(char* block) {
  char* copy = malloc(200);
  memcpy(copy, block, FAULT(200, 96));
  free(copy);
}

int main(void) {
  char* block = memset(allocate(96), 1, 96);
  misuse(block);
  release(block);
  return 0;
}
