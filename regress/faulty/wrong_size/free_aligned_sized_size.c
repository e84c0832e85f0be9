//! kind: free-size-mismatch
//! access: free
//! position: 0 bytes into a 192-byte block
//! allocated: main
//! faulted: destroy main
//! found: free-check
//! build: c23
#include "../faulty.h"

void free_sized(void*, size_t) __attribute__((weak));
void free_aligned_sized(void*, size_t, size_t) __attribute__((weak));

static void destroy(void* block) {
  free_aligned_sized(block, 64, FAULT(128, 192));
}

int main(void) {
  if (!free_sized || !free_aligned_sized) return 77;  // C23: not in every libc
  destroy(aligned_alloc(64, 192));
  return 0;
}
