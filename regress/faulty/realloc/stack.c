//! kind: bad-free
//! access: free
//! lies: stack
//! faulted: misuse main
//! found: realloc-check
#include "../faulty.h"

static char* misuse(char* block) { return realloc(block, 200); }

int main(void) {
  char local[96];
  release(misuse(FAULT(local, allocate(96))));
  return 0;
}
