//! kind: bad-malloc_usable_size
//! access: query
//! lies: stack
//! faulted: misuse main
//! found: argument-check
//! missed-by: memcheck
#include "../faulty.h"

static volatile size_t seen;

static void misuse(void* block) { seen = malloc_usable_size(block); }


int main(void) {
  char local[96] = {0};
  char* block = allocate(96);
  misuse(FAULT(local + 32, block));
  release(block);
  return 0;
}
