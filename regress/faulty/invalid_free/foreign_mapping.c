//! kind: bad-free
//! access: free
//! lies: mapping
//! faulted: release main
//! found: free-check
#include "../faulty.h"

int main(void) {
  char* map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* block = allocate(96);
  release(FAULT(map + 4096, block));
  munmap(map, 65536);
  return 0;
}
