//! kind: heap-use-after-free
//! access: write 1
//! position: 7 bytes into a 48-byte block
//! allocated: allocate_guilty main
//! freed: release main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

static void* allocate_guilty(size_t size) { return malloc(size); }

static void misuse(char* block) { block[7] = 'x'; }

int main(void) {
  char* blocks[64];
  for (int i = 0; i < 64; ++i) blocks[i] = i == 20 ? allocate_guilty(48) : allocate(48);
  if (!FAULTY) misuse(blocks[20]);
  for (int i = 0; i < 64; ++i) release(blocks[i]);
  if (FAULTY) misuse(blocks[20]);
  return 0;
}
