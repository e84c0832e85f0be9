//! kind: bad-free
//! access: free
//! lies: code
//! faulted: release main
//! found: free-check
#include "../faulty.h"

int main(void) {
  char* block = allocate(96);
  release(FAULT((void*)&main, block));
  return 0;
}
