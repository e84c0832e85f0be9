//! kind: bad-free
//! access: free
//! lies: stack
//! faulted: release main
//! found: free-check
#include "../faulty.h"

int main(void) {
  char local[96];
  char* block = allocate(96);
  release(FAULT(local, block));
  return 0;
}
