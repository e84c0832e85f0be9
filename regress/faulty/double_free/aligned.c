//! kind: double-free
//! access: free
//! position: 0 bytes into a 512-byte block
//! allocated: allocate_aligned main
//! freed: release main
//! faulted: release main
//! found: free-check
#include "../faulty.h"

static void* allocate_aligned(void) { return aligned_alloc(256, 512); }

int main(void) {
  char* block = allocate_aligned();
  release(block);
  if (FAULTY) release(block);
  return 0;
}
