//! kind: bad-malloc_usable_size
//! access: query
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: argument-check
//! missed-by: memcheck
#include "../faulty.h"

static volatile size_t seen;

static void misuse(void* block) { seen = malloc_usable_size(block); }


int main(void) {
  char* block = allocate(96);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
