//! kind: heap-use-after-free
//! access: write 1
//! position: 1 byte past a 13-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

// Behind the requested size of a freed block, still inside its slot in most allocators.
static void misuse(char* block) { block[FAULT(14, 12)] = 'x'; }

int main(void) {
  char* block = allocate(13);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
