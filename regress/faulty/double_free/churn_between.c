//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: release main
//! found: free-check
#include "../faulty.h"

int main(void) {
  char* block = allocate(96);
  release(block);
  for (int i = 0; i < 200; ++i) release(allocate(16 + 16 * (i % 40)));
  if (FAULTY) release(block);
  return 0;
}
