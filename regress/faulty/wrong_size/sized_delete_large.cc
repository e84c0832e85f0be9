//! kind: new-delete-type-mismatch
//! access: free
//! position: 0 bytes into a 1048576-byte block
//! allocated: main
//! faulted: destroy main
//! found: free-check
//! missed-by: memcheck
#include "../faulty.h"

#include <new>

static void destroy(void* block) {
  if (FAULTY) operator delete(block, 32);
  else operator delete(block, 1 << 20);
}

int main() {
  destroy(operator new(1 << 20));
  return 0;
}
