//! kind: bad-free
//! access: free
//! lies: stack
//! faulted: release worker
//! found: free-check
#include "../faulty.h"

static void* worker(void* block) {
  char local[96];
  release(FAULT(local, block));
  return NULL;
}

int main(void) {
  run_thread(worker, allocate(96));
  return 0;
}
