//! kind: heap-use-after-free
//! access: read 1
//! position: 35 bytes into a 64-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: guard
//! options: guard=all
#include "../faulty.h"

static volatile char seen;

static void misuse(char* block) { seen = block[35]; }

int main(void) {
  char* block = allocate(64);
  memset(block, 1, 64);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
