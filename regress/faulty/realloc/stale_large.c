//! kind: double-free
//! access: free
//! position: 0 bytes into a 1048576-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: realloc-check
#include "../faulty.h"

static char* misuse(char* block) { return realloc(block, 3 << 20); }

int main(void) {
  char* block = allocate(1 << 20);
  if (FAULTY) release(block);
  release(misuse(block));
  return 0;
}
