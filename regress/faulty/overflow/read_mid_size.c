//! kind: heap-buffer-overflow
//! access: read 1
//! position: 0 bytes past a 20480-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: guard
//! options: guard=all
#include "../faulty.h"

static volatile char seen;

static void misuse(char* block) { seen = block[FAULT(20480, 0)]; }

int main(void) {
  char* block = memset(allocate(20480), 1, 20480);
  misuse(block);
  release(block);
  return 0;
}
