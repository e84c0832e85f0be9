//! kind: heap-buffer-overflow
//! access: write 92
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static const char* text_of(size_t length) {
  static char text[512];
  memset(text, 'x', length);
  text[length] = 0;
  return text;
}

static void misuse(char* block) {
  strcat(block, text_of(FAULT(91, 90)));
}

int main(void) {
  char* block = allocate(96);
  strcpy(block, "12345");
  misuse(block);
  release(block);
  return 0;
}
