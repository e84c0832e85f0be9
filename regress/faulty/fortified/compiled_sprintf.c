//! kind: heap-buffer-overflow
//! access: write 97
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
//! build: fortify
#include "../faulty.h"

static const char* text_of(size_t length) {
  static char text[512];
  memset(text, 'x', length);
  text[length] = 0;
  return text;
}

static volatile int zero;

// The block's size is hidden from the compiler, as behind most program interfaces.
static void* volatile hidden;

UNUSED static void misuse(char* block) { sprintf(block, "%s%d", text_of(FAULT(95, 94)), zero); }

int main(void) {
  hidden = allocate(96);
  misuse(hidden);
  release(hidden);
  return 0;
}
