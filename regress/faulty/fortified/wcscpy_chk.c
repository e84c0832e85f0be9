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

wchar_t* __wcscpy_chk(wchar_t*, const wchar_t*, size_t);
#define UNKNOWN ((size_t)-1)  // what the compiler passes when it cannot see the size

static void misuse(char* block) {
  __wcscpy_chk((wchar_t*)block, text_of(FAULT(24, 23)), UNKNOWN);
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
