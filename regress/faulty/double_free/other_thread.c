//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! threads: allocated=main freed=main
//! faulted: release worker
//! found: free-check
#include "../faulty.h"

static void* worker(void* block) {
  if (FAULTY) release(block);
  return NULL;
}

int main(void) {
  char* block = allocate(96);
  release(block);
  run_thread(worker, block);
  return 0;
}
