//! kind: heap-use-after-free
//! access: read 1
//! position: 70000 bytes into a 1048576-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: guard
#include "../faulty.h"

static volatile char seen;

static void misuse(char* block) { seen = block[70000]; }

int main(void) {
  char* block = allocate(1 << 20);
  memset(block, 1, 1 << 20);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
