//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 96-byte block
//! allocated: allocate_zeroed main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static char* allocate_zeroed(void) { return calloc(12, 8); }

static void misuse(char* block) { block[FAULT(96, 95)] = 'x'; }

int main(void) {
  char* block = allocate_zeroed();
  misuse(block);
  release(block);
  return 0;
}
