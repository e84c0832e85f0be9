//! kind: pvalloc-overflow
//! access: allocate
//! faulted: misuse main
//! found: argument-check
//! missed-by: memcheck
#include "../faulty.h"

static void* misuse(void) { return FAULT(pvalloc((size_t)-100), pvalloc(100)); }

int main(void) {
  free(misuse());
  return 0;
}
