//! kind: heap-use-after-free
//! access: write 1
//! position: 8 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! threads: allocated=main freed=main
//! faulted: worker
//! found: exit-sweep
#include "../faulty.h"

static void* worker(void* block) {
  ((char*)block)[8] = 'x';
  return NULL;
}

int main(void) {
  char* block = allocate(96);
  if (FAULTY) release(block);
  run_thread(worker, block);
  if (!FAULTY) release(block);
  return 0;
}
