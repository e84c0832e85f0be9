//! kind: heap-buffer-overflow
//! access: read 4
//! position: 8 bytes before a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: guard
//! options: guard=left
#include "../faulty.h"

static volatile int seen;

static void misuse(int* block) { for (int i = FAULT(-2, 0); i < 24; ++i) seen = block[i]; }

int main(void) {
  int* block = memset(allocate(96), 1, 96);
  misuse(block);
  release(block);
  return 0;
}
