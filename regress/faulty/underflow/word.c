//! kind: heap-buffer-overflow
//! access: write 8
//! position: 8 bytes before a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static void misuse(char* block) { ((uint64_t*)block)[FAULT(-1, 0)] = 0x7878787878787878; }

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
