//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 40-byte block
//! allocated: shrink main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static char* shrink(char* block) { return realloc(block, 40); }

static void misuse(char* block) { block[FAULT(40, 39)] = 'x'; }

int main(void) {
  char* block = shrink(allocate(96));
  misuse(block);
  release(block);
  return 0;
}
