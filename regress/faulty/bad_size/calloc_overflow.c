//! kind: calloc-overflow
//! access: allocate
//! faulted: misuse main
//! found: argument-check
//! missed-by: memcheck
#include "../faulty.h"

static void* misuse(void) { return FAULT(calloc(SIZE_MAX / 8, 16), calloc(6, 16)); }

int main(void) {
  free(misuse());
  return 0;
}
