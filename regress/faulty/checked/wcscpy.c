//! kind: heap-buffer-overflow
//! access: write 100
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
//! missed-by: asan
#include "../faulty.h"

static const wchar_t* text_of(size_t length) {
  static wchar_t text[512];
  for (size_t i = 0; i < length; ++i) text[i] = L'x';
  text[length] = 0;
  return text;
}

static void misuse(char* block) {
  wcscpy((wchar_t*)block, text_of(FAULT(24, 23)));
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
