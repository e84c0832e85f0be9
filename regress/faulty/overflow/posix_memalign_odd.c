//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 77-byte block
//! allocated: allocate_aligned main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static char* allocate_aligned(void) {
  void* block = NULL;
  return posix_memalign(&block, 256, 77) == 0 ? block : NULL;
}

static void misuse(char* block) { block[FAULT(77, 76)] = 0; }

int main(void) {
  char* block = allocate_aligned();
  misuse(block);
  release(block);
  return 0;
}
