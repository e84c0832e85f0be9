//! kind: allocation-size-too-big
//! access: allocate
//! faulted: misuse main
//! found: argument-check
#include "../faulty.h"

static void* misuse(void) { return FAULT(realloc(NULL, (size_t)-96), realloc(NULL, 96)); }

int main(void) {
  free(misuse());
  return 0;
}
