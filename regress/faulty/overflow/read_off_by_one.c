//! kind: heap-buffer-overflow
//! access: read 1
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: guard
//! options: guard=all
#include "../faulty.h"

static volatile char seen;

static void misuse(char* block) { seen = block[FAULT(96, 95)]; }

int main(void) {
  char* block = memset(allocate(96), 1, 96);
  misuse(block);
  release(block);
  return 0;
}
