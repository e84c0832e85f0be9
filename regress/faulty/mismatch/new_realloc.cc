//! kind: alloc-dealloc-mismatch
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: main
//! faulted: destroy main
//! found: free-check
#include "../faulty.h"

static void destroy(void* block) {
  if (FAULTY) free(realloc(block, 200));
  else operator delete(block);
}

int main() {
  destroy(operator new(96));
  return 0;
}
