//! kind: bad-free
//! access: free
//! position: 4096 bytes into a 1048576-byte block
//! allocated: allocate main
//! faulted: release main
//! found: free-check
#include "../faulty.h"

int main(void) {
  char* block = allocate(1048576);
  release(block + FAULT(4096, 0));
  if (FAULTY) release(block);
  return 0;
}
