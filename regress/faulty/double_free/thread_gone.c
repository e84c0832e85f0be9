//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: allocate worker
//! freed: release worker
//! threads: allocated=other freed=other
//! faulted: release main
//! found: free-check
#include "../faulty.h"

static char* block;

static void* worker(void* unused) {
  block = allocate(96);
  release(block);
  return unused;
}

int main(void) {
  run_thread(worker, NULL);
  if (FAULTY) release(block);
  return 0;
}
