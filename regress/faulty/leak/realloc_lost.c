//! kind: memory-leak
//! access: leak
//! leak: direct 5000 bytes in 1
//! allocated: grow work main
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

static char* kept;

static char* grow(char* block) { return realloc(block, 5000); }

static void work(void) {
  char* block = grow(allocate(96));
  if (!FAULTY) kept = block;
}

int main(void) {
  work();
  scrub_stack();
  return 0;
}
