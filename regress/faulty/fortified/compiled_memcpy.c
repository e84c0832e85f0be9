//! kind: heap-buffer-overflow
//! access: write 97
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
//! build: fortify
#include "../faulty.h"

static char source[512];
static volatile int zero;

// The block's size is hidden from the compiler, as behind most program interfaces.
static void* volatile hidden;

UNUSED static void misuse(char* block) { memcpy(block, source, FAULT(97, 96) + zero); }

int main(void) {
  hidden = allocate(96);
  misuse(hidden);
  release(hidden);
  return 0;
}
