//! kind: alloc-dealloc-mismatch
//! access: free
//! position: 0 bytes into a 128-byte block
//! allocated: main
//! faulted: destroy main
//! found: free-check
#include "../faulty.h"

#include <new>

static void destroy(void* block) {
  if (FAULTY) free(block);
  else operator delete(block, std::align_val_t(64));
}

int main() {
  destroy(operator new(128, std::align_val_t(64)));
  return 0;
}
