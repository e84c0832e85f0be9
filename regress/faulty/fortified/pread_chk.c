//! kind: heap-buffer-overflow
//! access: write 97
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
//! missed-by: asan
#include "../faulty.h"

ssize_t __pread_chk(int, void*, size_t, off_t, size_t);
#define UNKNOWN ((size_t)-1)  // what the compiler passes when it cannot see the size

static void misuse(char* block) {
  if (__pread_chk(input_of(200), block, FAULT(97, 96), 5, UNKNOWN) < 0) _exit(74);
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
