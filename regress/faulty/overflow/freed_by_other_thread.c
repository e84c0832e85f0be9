//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! threads: allocated=main
//! faulted: misuse main
//! found: free-check in release worker
#include "../faulty.h"

static void misuse(char* block) { block[FAULT(96, 95)] = 'x'; }

static void* worker(void* block) {
  release(block);
  return NULL;
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  run_thread(worker, block);
  return 0;
}
