//! kind: heap-use-after-free
//! access: write 1
//! position: 0 bytes into a 64-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

static void misuse(char* block) { block[0] = 'x'; }

int main(void) {
  char* block = allocate(64);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
