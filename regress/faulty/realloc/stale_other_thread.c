//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release worker
//! threads: allocated=main freed=other
//! faulted: misuse main
//! found: realloc-check
#include "../faulty.h"

static char* misuse(char* block) { return realloc(block, 200); }

static void* worker(void* block) {
  release(block);
  return NULL;
}

int main(void) {
  char* block = allocate(96);
  if (FAULTY) run_thread(worker, block);
  release(misuse(block));
  return 0;
}
