//! kind: heap-use-after-free
//! access: write 1
//! position: 8 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release worker
//! threads: allocated=main freed=other
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

static void misuse(char* block) { block[8] = 'x'; }

static void* worker(void* block) {
  release(block);
  return NULL;
}

int main(void) {
  char* block = allocate(96);
  if (FAULTY) run_thread(worker, block);
  misuse(block);
  if (!FAULTY) run_thread(worker, block);
  return 0;
}
