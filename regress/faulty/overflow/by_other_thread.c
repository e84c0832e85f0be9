//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! threads: allocated=main
//! faulted: worker
//! found: free-check in release main
#include "../faulty.h"

static void* worker(void* block) {
  ((char*)block)[FAULT(96, 95)] = 'x';
  return NULL;
}

int main(void) {
  char* block = allocate(96);
  run_thread(worker, block);
  release(block);
  return 0;
}
