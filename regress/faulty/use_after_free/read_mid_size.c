//! kind: heap-use-after-free
//! access: read 1
//! position: 5000 bytes into a 20000-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: guard
//! options: guard=all
#include "../faulty.h"

static volatile char seen;

static void misuse(char* block) { seen = block[5000]; }

int main(void) {
  char* block = allocate(20000);
  memset(block, 1, 20000);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
