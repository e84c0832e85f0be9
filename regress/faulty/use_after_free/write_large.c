//! kind: heap-use-after-free
//! access: write 1
//! position: 70000 bytes into a 1048576-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: guard
#include "../faulty.h"

static void misuse(char* block) { block[70000] = 'x'; }

int main(void) {
  char* block = allocate(1 << 20);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
