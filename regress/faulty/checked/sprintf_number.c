//! kind: heap-buffer-overflow
//! access: write 9
//! position: 0 bytes past a 8-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static void misuse(char* block) {
  sprintf(block, "%d", FAULT(12345678, 1234567));
}

int main(void) {
  char* block = allocate(8);
  misuse(block);
  release(block);
  return 0;
}
