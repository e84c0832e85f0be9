//! kind: heap-buffer-overflow
//! access: write 97
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
//! missed-by: asan
#include "../faulty.h"

size_t __fread_chk(void*, size_t, size_t, size_t, FILE*);
#define UNKNOWN ((size_t)-1)  // what the compiler passes when it cannot see the size

static void misuse(char* block) {
  FILE* file = fdopen(input_of(200), "r");
  if (__fread_chk(block, UNKNOWN, 1, FAULT(97, 96), file) == 0) _exit(74);
  fclose(file);
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
