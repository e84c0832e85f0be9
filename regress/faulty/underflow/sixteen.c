//! kind: heap-buffer-overflow
//! access: write 1
//! position: 16 bytes before a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static void misuse(char* block) { for (int i = FAULT(-16, 0); i < 8; ++i) block[i] = 'x'; }

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
