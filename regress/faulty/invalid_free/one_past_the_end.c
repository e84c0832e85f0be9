//! kind: bad-free
//! access: free
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: release main
//! found: free-check
#include "../faulty.h"

int main(void) {
  char* block = allocate(96);
  release(block + FAULT(96, 0));
  if (FAULTY) release(block);
  return 0;
}
