//! kind: alloc-dealloc-mismatch
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: create main
//! faulted: destroy main
//! found: free-check
#include "../faulty.h"

#include <new>

static char* create() { return static_cast<char*>(calloc(12, 8)); }

static void destroy(char* block) {
  if (FAULTY) delete block;
  else free(block);
}

int main() {
  destroy(create());
  return 0;
}
