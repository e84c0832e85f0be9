//! kind: invalid-aligned-alloc-alignment
//! access: allocate
//! faulted: misuse main
//! found: argument-check
//! missed-by: memcheck
#include "../faulty.h"

static void* misuse(void) { return FAULT(aligned_alloc(24, 96), aligned_alloc(32, 96)); }

int main(void) {
  free(misuse());
  return 0;
}
