//! attack: the words before a large block, which other allocators hand to munmap
//! outcome: stop or held
//! technique: mmap_overlapping_chunks
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  char *a = get_open(2 << 20), *b = get_open(2 << 20), *c = get_open(2 << 20);
  (void)a;
  // There is memory before b only if its neighbour or its own header lies there.
  unsigned char present;
  const uintptr_t page = ((uintptr_t)b - 16) & ~(uintptr_t)4095;
  if (mincore((void*)page, 4096, &present) == 0) {
    ((uint64_t*)b)[-1] = (4ull << 20) | 2;
    ((uint64_t*)b)[-2] = 0;
  }
  put(b);
  get(6 << 20);
  if (c[0] == 0 && c[100] == 1) broken("never");  // c must still be mapped
  churn(64, 1000);
  held();
}
