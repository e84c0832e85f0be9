//! kind: allocation-size-too-big
//! access: allocate
//! faulted: misuse main
//! found: argument-check
#include "../faulty.h"

static void* misuse(void) { return FAULT(malloc((size_t)-96), malloc(96)); }

int main(void) {
  free(misuse());
  return 0;
}
