//! kind: heap-buffer-overflow
//! access: write 7
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static char source[512];

static void misuse(char* block) {
  memcpy(block + 90, source, FAULT(7, 6));
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
