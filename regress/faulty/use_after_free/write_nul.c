//! kind: heap-use-after-free
//! access: write 1
//! position: 20 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

static void misuse(char* block) { block[20] = 0; }

int main(void) {
  char* block = allocate(96);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
