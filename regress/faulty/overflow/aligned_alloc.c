//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 192-byte block
//! allocated: allocate_aligned main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static char* allocate_aligned(void) { return aligned_alloc(64, 192); }

static void misuse(char* block) { block[FAULT(192, 191)] = 'x'; }

int main(void) {
  char* block = allocate_aligned();
  misuse(block);
  release(block);
  return 0;
}
