//! attack: 1 to 64 bytes past a block, then ordinary use of the neighbourhood
//! outcome: stop or held
//! variants: 384
//! technique: overlapping_chunks, poison_null_byte
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {16, 24, 64, 200, 1024, 5000};
  static const unsigned char bytes[] = {0, 0xff, 'A'};
  const size_t size = sizes[variant % 6];
  const unsigned extra = 1 + variant / 6 % 64;
  void* around[64];
  for (int i = 0; i < 64; ++i) around[i] = get_open(size);
  for (int i = 1; i < 64; i += 3) put(around[i]);
  unsigned char* block = around[30];
  memset(block + malloc_usable_size(block), bytes[variant % 3], extra);
  for (int i = 1; i < 64; i += 3) around[i] = get_open(size);
  for (int i = 0; i < 64; i += 2) put(around[i]);
  churn(size, 1500);
  held();
}
