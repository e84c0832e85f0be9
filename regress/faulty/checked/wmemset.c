//! kind: heap-buffer-overflow
//! access: write 100
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
//! missed-by: asan
#include "../faulty.h"

static void misuse(char* block) {
  wmemset((wchar_t*)block, L'x', FAULT(25, 24));
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
