//! kind: heap-buffer-overflow
//! access: write 97
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static void misuse(char* block) {
  if (read(input_of(200), block, FAULT(97, 96)) < 0) _exit(74);
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
