//! kind: heap-use-after-free
//! access: read 1
//! position: 9 bytes into a 96-byte block
//! allocated: allocate main
//! freed: move main
//! faulted: misuse main
//! found: guard
//! options: guard=all
#include "../faulty.h"

static volatile char seen;

static char* move(char* block) { return realloc(block, 5000); }

static void misuse(char* block) { seen = block[9]; }

int main(void) {
  char* block = memset(allocate(96), 1, 96);
  char* in_the_way = allocate(96);
  char* moved = move(block);
  misuse(FAULT(block, moved));
  release(moved);
  release(in_the_way);
  return 0;
}
