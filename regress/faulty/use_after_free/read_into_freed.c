//! kind: heap-use-after-free
//! access: write 16
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static void misuse(int fd, char* block) {
  if (read(fd, block, 16) != 16) _exit(74);
}

int main(void) {
  char* block = allocate(96);
  if (FAULTY) release(block);
  misuse(input_of(96), block);
  if (!FAULTY) release(block);
  return 0;
}
