//! kind: heap-buffer-overflow
//! access: read
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static volatile size_t seen;

static void misuse(char* block) {
  seen = memchr(block, 'y', FAULT(120, 96)) != NULL;
}

int main(void) {
  char* block = memset(allocate(96), 1, 96);
  misuse(block);
  release(block);
  return 0;
}
