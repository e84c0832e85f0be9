//! kind: double-free
//! access: free
//! position: 0 bytes into a 1048576-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: release main
//! found: free-check
#include "../faulty.h"

int main(void) {
  char* block = allocate(1 << 20);
  release(block);
  if (FAULTY) release(block);
  return 0;
}
