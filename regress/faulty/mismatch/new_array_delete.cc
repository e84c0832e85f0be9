//! kind: alloc-dealloc-mismatch
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: create main
//! faulted: destroy main
//! found: free-check
#include "../faulty.h"

#include <new>

static char* create() { return new char[96]; }

static void destroy(char* block) {
  if (FAULTY) operator delete(block);
  else delete[] block;
}

int main() {
  destroy(create());
  return 0;
}
