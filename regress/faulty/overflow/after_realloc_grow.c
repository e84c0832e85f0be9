//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 150-byte block
//! allocated: grow main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static char* grow(char* block) { return realloc(block, 150); }

static void misuse(char* block) { block[FAULT(150, 149)] = 'x'; }

int main(void) {
  char* block = grow(allocate(96));
  misuse(block);
  release(block);
  return 0;
}
