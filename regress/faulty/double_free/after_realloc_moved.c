//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: move main
//! faulted: release main
//! found: free-check
#include "../faulty.h"

static char* move(char* block) { return realloc(block, 5000); }

int main(void) {
  char* block = allocate(96);
  char* in_the_way = allocate(96);
  char* moved = move(block);
  if (FAULTY && moved != block) release(block);
  release(moved);
  release(in_the_way);
  return 0;
}
