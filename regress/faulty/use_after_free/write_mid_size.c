//! kind: heap-use-after-free
//! access: write 1
//! position: 5000 bytes into a 20000-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

static void misuse(char* block) { block[5000] = 'x'; }

int main(void) {
  char* block = allocate(20000);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
