//! kind: heap-buffer-overflow
//! access: write 16
//! position: 8 bytes before a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static char source[256];

static void misuse(char* block) { memcpy(block - FAULT(8, 0), source, 16); }

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
