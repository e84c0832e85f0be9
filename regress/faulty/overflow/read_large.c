//! kind: heap-buffer-overflow
//! access: read 1
//! position: 0 bytes past a 1048576-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: guard
//! options: guard=all
#include "../faulty.h"

static volatile char seen;

static void misuse(char* block) { seen = block[FAULT(1 << 20, 0)]; }

int main(void) {
  char* block = memset(allocate(1 << 20), 1, 1 << 20);
  misuse(block);
  release(block);
  return 0;
}
