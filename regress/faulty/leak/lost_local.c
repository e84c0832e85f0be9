//! kind: memory-leak
//! access: leak
//! leak: direct 96 bytes in 1
//! allocated: allocate work main
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

static char* kept;

static void work(void) {
  char* block = allocate(96);
  if (!FAULTY) kept = block;  // still reachable at exit: no leak
}

int main(void) {
  work();
  scrub_stack();
  return 0;
}
