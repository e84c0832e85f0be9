//! kind: heap-buffer-overflow
//! access: read
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static volatile size_t seen;

static const char* text_of(size_t length) {
  static char text[512];
  memset(text, 'x', length);
  text[length] = 0;
  return text;
}

static void misuse(char* block) {
  block[95] = FAULT('x', 0);
  seen = strcmp(block, text_of(200));
}

int main(void) {
  char* block = memset(allocate(96), 'x', 96);
  misuse(block);
  release(block);
  return 0;
}
