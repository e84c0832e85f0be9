//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: release main
//! found: free-check
#include "../faulty.h"

int main(void) {
  char* blocks[24];
  for (int i = 0; i < 24; ++i) blocks[i] = allocate(96);
  for (int i = 0; i < 24; ++i) release(blocks[i]);
  if (FAULTY) release(blocks[5]);
  return 0;
}
