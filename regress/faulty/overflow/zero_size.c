//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 0-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: free-check in release main
//! missed-by: asan
#include "../faulty.h"

static void misuse(char* block) { if (FAULTY) block[0] = 'x'; }

int main(void) {
  char* block = allocate(0);
  misuse(block);
  release(block);
  return 0;
}
