//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: give_back main
//! faulted: release main
//! found: free-check
#include "../faulty.h"

static char* give_back(char* block) { return realloc(block, 0); }  // glibc frees the block here

int main(void) {
  char* block = allocate(96);
  char* left = give_back(block);
  if (FAULTY) release(block);
  release(left);
  return 0;
}
