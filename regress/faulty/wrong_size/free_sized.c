//! kind: free-size-mismatch
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: main
//! faulted: destroy main
//! found: free-check
//! build: c23
#include "../faulty.h"

void free_sized(void*, size_t) __attribute__((weak));
void free_aligned_sized(void*, size_t, size_t) __attribute__((weak));

static void destroy(void* block) {
  free_sized(block, FAULT(40, 96));
}

int main(void) {
  if (!free_sized || !free_aligned_sized) return 77;  // C23: not in every libc
  destroy(malloc(96));
  return 0;
}
