//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: realloc-check in grow main
#include "../faulty.h"

static void misuse(char* block) { block[FAULT(96, 95)] = 'x'; }

static char* grow(char* block) { return realloc(block, 5000); }

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(grow(block));
  return 0;
}
