//! kind: alloc-dealloc-mismatch
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: main
//! faulted: worker
//! found: free-check
#include "../faulty.h"

static void* worker(void* block) {
  if (FAULTY) free(block);
  else operator delete(block);
  return nullptr;
}

int main() {
  run_thread(worker, operator new(96));
  return 0;
}
