//! kind: new-delete-type-mismatch
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: main
//! faulted: destroy main
//! found: free-check
//! missed-by: memcheck
#include "../faulty.h"

#include <new>

static void destroy(void* block) {
  if (FAULTY) operator delete(block, 95);
  else operator delete(block, 96);
}

int main() {
  destroy(operator new(96));
  return 0;
}
