//! kind: memory-leak
//! access: leak
//! leak: direct 96 bytes in 1
//! allocated: allocate worker
//! threads: allocated=other
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

static char* kept;

static void* worker(void* unused) {
  char* block = allocate(96);
  if (!FAULTY) kept = block;
  block = NULL;
  scrub_stack();
  return unused;
}

int main(void) {
  run_thread(worker, NULL);
  scrub_stack();
  return 0;
}
