//! kind: invalid-posix-memalign-alignment
//! access: allocate
//! faulted: misuse main
//! found: argument-check
//! missed-by: memcheck
#include "../faulty.h"

static void* misuse(void) {
  void* block = NULL;
  return posix_memalign(&block, FAULT(3, 64), 96) == 0 ? block : NULL;
}

int main(void) {
  free(misuse());
  return 0;
}
