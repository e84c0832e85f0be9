//! kind: bad-malloc_usable_size
//! access: query
//! position: 16 bytes into a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: argument-check
//! missed-by: memcheck
#include "../faulty.h"

static volatile size_t seen;

static void misuse(void* block) { seen = malloc_usable_size(block); }


int main(void) {
  char* block = allocate(96);
  misuse(block + FAULT(16, 0));
  release(block);
  return 0;
}
