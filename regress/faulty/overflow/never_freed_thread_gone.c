//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 96-byte block
//! allocated: allocate worker
//! threads: allocated=other
//! faulted: worker
//! found: exit-sweep
#include "../faulty.h"

static char* kept;

static void* worker(void* unused) {
  kept = allocate(96);
  kept[FAULT(96, 95)] = 'x';
  return unused;
}

int main(void) {
  run_thread(worker, NULL);
  return 0;
}
