//! kind: heap-buffer-overflow
//! access: write 4
//! position: 40 bytes past a 40-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

// Far enough to leave the red zone and the cell: nobody ever had the memory there.
static void misuse(int* block) { block[FAULT(20, 9)] = 0x2b2b2b2b; }

int main(void) {
  int* block = memset(allocate(40), 1, 40);
  misuse(block);
  release(block);
  return 0;
}
