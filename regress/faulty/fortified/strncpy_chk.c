//! kind: heap-buffer-overflow
//! access: write 97
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
//! missed-by: asan
#include "../faulty.h"

char* __strncpy_chk(char*, const char*, size_t, size_t);
#define UNKNOWN ((size_t)-1)  // what the compiler passes when it cannot see the size

static void misuse(char* block) {
  __strncpy_chk(block, "short", FAULT(97, 96), UNKNOWN);
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
