//! kind: heap-use-after-free
//! access: write 8
//! position: 40 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release worker
//! threads: allocated=main freed=other
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

// The call that was right while there was one thread.
static void misuse(char* block) { memset(block + 40, 0, 8); }

static void* worker(void* block) {
  release(block);
  return NULL;
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  if (FAULTY) run_thread(worker, block);
  misuse(block);
  if (!FAULTY) run_thread(worker, block);
  return 0;
}
