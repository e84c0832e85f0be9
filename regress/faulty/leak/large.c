//! kind: memory-leak
//! access: leak
//! leak: direct 1048576 bytes in 1
//! allocated: allocate work main
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

static char* kept;

static void work(void) {
  char* block = allocate(1 << 20);
  if (!FAULTY) kept = block + 4096;  // an interior pointer keeps a block alive
}

int main(void) {
  work();
  scrub_stack();
  return 0;
}
