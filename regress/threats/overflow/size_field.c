//! attack: the word before a block, where other allocators keep its size, set to something larger
//! outcome: stop or held
//! variants: 16
//! technique: overlapping_chunks, overlapping_chunks_2, house_of_force, mmap_overlapping_chunks
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const uint64_t values[] = {0x21, 0x91, 0x501, 0x1001, 0x20d51, ~0ull, 0, 0x100000002};
  char *a = get_open(120), *b = get_open(120), *c = get_open(120);
  ((uint64_t*)b)[-1] = values[variant % 8];
  if (variant >= 8) ((uint64_t*)b)[-2] = 0x80;
  put(b);
  char* big = get(1200);
  for (int i = 0; i < 50; ++i) get(120);
  (void)a, (void)c, (void)big;
  churn(120, 2000);
  held();
}
