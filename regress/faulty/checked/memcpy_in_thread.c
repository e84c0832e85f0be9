//! kind: heap-buffer-overflow
//! access: write 97
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! threads: allocated=main
//! faulted: worker
//! found: checked-function
#include "../faulty.h"

static char source[256];

static void* worker(void* block) {
  memcpy(block, source, FAULT(97, 96));
  return NULL;
}

int main(void) {
  char* block = allocate(96);
  run_thread(worker, block);
  release(block);
  return 0;
}
