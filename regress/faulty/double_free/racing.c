//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release worker
//! threads: allocated=main freed=other
//! faulted: release worker
//! found: free-check
#include "../faulty.h"

static pthread_barrier_t start;
static char* blocks[2];

static void* worker(void* index) {
  pthread_barrier_wait(&start);
  release(FAULT(blocks[0], blocks[(size_t)index]));
  return NULL;
}

int main(void) {
  pthread_t threads[2];
  pthread_barrier_init(&start, NULL, 2);
  for (size_t i = 0; i < 2; ++i) blocks[i] = allocate(96);
  for (size_t i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, worker, (void*)i);
  for (size_t i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  return 0;
}
