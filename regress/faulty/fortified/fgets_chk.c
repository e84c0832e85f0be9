//! kind: heap-buffer-overflow
//! access: write 97
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
//! missed-by: asan
#include "../faulty.h"

char* __fgets_chk(char*, size_t, int, FILE*);
#define UNKNOWN ((size_t)-1)  // what the compiler passes when it cannot see the size

static void misuse(char* block) {
  FILE* file = fdopen(input_of(200), "r");
  if (!__fgets_chk(block, UNKNOWN, FAULT(97, 96), file)) _exit(74);
  fclose(file);
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
