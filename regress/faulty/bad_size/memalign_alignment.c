//! kind: invalid-allocation-alignment
//! access: allocate
//! faulted: misuse main
//! found: argument-check
//! missed-by: memcheck
#include "../faulty.h"

static void* misuse(void) { return FAULT(memalign(24, 96), memalign(32, 96)); }

int main(void) {
  free(misuse());
  return 0;
}
