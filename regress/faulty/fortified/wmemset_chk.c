//! kind: heap-buffer-overflow
//! access: write 100
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
//! missed-by: asan
#include "../faulty.h"

wchar_t* __wmemset_chk(wchar_t*, wchar_t, size_t, size_t);
#define UNKNOWN ((size_t)-1)  // what the compiler passes when it cannot see the size

static void misuse(char* block) {
  __wmemset_chk((wchar_t*)block, L'x', FAULT(25, 24), UNKNOWN);
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
