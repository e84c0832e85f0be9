//! kind: heap-use-after-free
//! access: write 8
//! position: 16 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

static void misuse(char* block) { ((uint64_t*)block)[2] = 0x7878787878787878; }

int main(void) {
  char* block = allocate(96);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  return 0;
}
