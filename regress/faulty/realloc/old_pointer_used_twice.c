//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: grow main
//! faulted: misuse main
//! found: realloc-check
#include "../faulty.h"

static char* grow(char* block) { return realloc(block, 5000); }

static char* misuse(char* block) { return realloc(block, 6000); }

int main(void) {
  char* block = allocate(96);
  char* in_the_way = allocate(96);
  char* moved = grow(block);
  release(misuse(FAULT(block, moved)));
  release(in_the_way);
  return 0;
}
