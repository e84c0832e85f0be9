//! kind: heap-buffer-overflow
//! access: read
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static volatile size_t seen;
static char target[512];

static void misuse(char* block) {
  seen = memcmp(block, target, FAULT(97, 96));
}

int main(void) {
  char* block = memset(allocate(96), 0, 96);
  misuse(block);
  release(block);
  return 0;
}
