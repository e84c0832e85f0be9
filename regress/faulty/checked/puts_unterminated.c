//! kind: heap-buffer-overflow
//! access: read
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static void misuse(char* block) {
  block[95] = FAULT('x', 0);
  puts(block);
}

int main(void) {
  char* block = memset(allocate(96), 'x', 96);
  stdout = fopen("/dev/null", "w");
  misuse(block);
  release(block);
  return 0;
}
