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
  pid_t child = fork();
  if (child == 0) {
    if (FAULTY) release(block);
    return 0;
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status != 0;
}
