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

static void misuse(char* block) {
  stpcpy(block, text_of(FAULT(96, 95)));
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
