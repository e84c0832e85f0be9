//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release worker
//! threads: allocated=main freed=other
//! faulted: release main
//! found: free-check
#include "../faulty.h"

static void* worker(void* block) {
  release(block);
  return NULL;
}

int main(void) {
  char* block = allocate(96);
  run_thread(worker, block);
  if (FAULTY) release(block);
  return 0;
}
