//! kind: heap-buffer-overflow
//! access: write 97
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
//! missed-by: asan
#include "../faulty.h"

static const char* text_of(size_t length) {
  static char text[512];
  memset(text, 'x', length);
  text[length] = 0;
  return text;
}

char* __strcpy_chk(char*, const char*, size_t);
#define UNKNOWN ((size_t)-1)  // what the compiler passes when it cannot see the size

static void misuse(char* block) {
  __strcpy_chk(block, text_of(FAULT(96, 95)), UNKNOWN);
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
