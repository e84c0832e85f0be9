//! kind: heap-use-after-free
//! access: write 96
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: checked-function
//! missed-by: asan
#include "../faulty.h"

// The file ends before a byte of it is there.
static void misuse(char* block) {
  if (read(open("/dev/null", O_RDONLY), block, 96) != 0) _exit(74);
}

int main(void) {
  char* block = allocate(96);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
