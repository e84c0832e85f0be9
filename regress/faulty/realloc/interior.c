//! kind: bad-free
//! access: free
//! position: 16 bytes into a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: realloc-check
#include "../faulty.h"

static char* misuse(char* block) { return realloc(block, 200); }

int main(void) {
  char* block = allocate(96);
  release(misuse(block + FAULT(16, 0)));
  return 0;
}
