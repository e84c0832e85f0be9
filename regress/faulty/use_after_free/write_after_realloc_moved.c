//! kind: heap-use-after-free
//! access: write 1
//! position: 9 bytes into a 96-byte block
//! allocated: allocate main
//! freed: move main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

static char* move(char* block) { return realloc(block, 5000); }

static void misuse(char* block) { block[9] = 'x'; }

int main(void) {
  char* block = allocate(96);
  char* in_the_way = allocate(96);
  char* moved = move(block);
  misuse(FAULT(block, moved));
  release(moved);
  release(in_the_way);
  return 0;
}
