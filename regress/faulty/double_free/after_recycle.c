//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: release main
//! found: free-check
#include "../faulty.h"

int main(void) {
  char* stale = allocate(96);
  release(stale);
  char* fresh = allocate(96);  // may lie where the stale block lay
  release(FAULT(stale, fresh));
  return 0;
}
