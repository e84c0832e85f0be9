//! kind: bad-free
//! access: free
//! lies: unmapped
//! faulted: release main
//! found: free-check
#include "../faulty.h"

int main(void) {
  char* block = allocate(96);
  release(FAULT((void*)0x414141414140, block));
  return 0;
}
