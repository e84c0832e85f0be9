//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: realloc-check
#include "../faulty.h"

static char* misuse(char* block) { return realloc(block, 200); }

int main(void) {
  char* block = allocate(96);
  if (FAULTY) release(block);
  release(misuse(block));
  return 0;
}
