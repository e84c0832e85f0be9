//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 48-byte block
//! allocated: allocate_guilty main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static char* blocks[64];

static void* allocate_guilty(size_t size) { return malloc(size); }

static void misuse(char* block) { block[FAULT(48, 47)] = 'x'; }

int main(void) {
  for (int i = 0; i < 64; ++i) blocks[i] = i == 31 ? allocate_guilty(48) : allocate(48);
  misuse(blocks[31]);
  for (int i = 63; i >= 0; --i) release(blocks[i]);
  return 0;
}
