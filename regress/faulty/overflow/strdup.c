//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 12-byte block
//! allocated: main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static void misuse(char* block) { block[FAULT(12, 11)] = 'x'; }

int main(void) {
  char* block = strdup("twelve char");
  misuse(block);
  release(block);
  return 0;
}
