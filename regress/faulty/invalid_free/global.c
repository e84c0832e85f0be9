//! kind: bad-free
//! access: free
//! lies: global
//! faulted: release main
//! found: free-check
#include "../faulty.h"

static char global[96] = "data";

int main(void) {
  char* block = allocate(96);
  release(FAULT(global, block));
  return 0;
}
