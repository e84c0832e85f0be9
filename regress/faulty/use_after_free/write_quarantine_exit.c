//! kind: heap-use-after-free
//! access: write 1
//! position: 35 bytes into a 64-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: quarantine-exit
#include "../faulty.h"

static void misuse(char* block) { block[35] = 'x'; }

int main(void) {
  char* block = allocate(64);
  if (FAULTY) release(block);
  misuse(block);
  if (!FAULTY) release(block);
  for (int i = 0; i < 50000; ++i) {  // 200 MB: more than a quarantine holds
    release(allocate(64));
    release(allocate(4096));
  }
  return 0;
}
