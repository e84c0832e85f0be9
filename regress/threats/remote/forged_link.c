//! attack: every word of waiting blocks overwritten with pointers in several encodings
//! outcome: stop or held
//! variants: 64
//! technique: tcache_poisoning against a remote list
#include "../remote.h"

// What a list could take for a pointer to the target.
static uint64_t encoded(unsigned how, uint64_t target, uint64_t at) {
  switch (how) {
    case 0: return target;
    case 1: return target ^ at >> 12;  // glibc's safe linking
    case 2: return __builtin_bswap64(target);
    case 3: return target ^ ~0ull;
    case 4: return 0;
    case 5: return ~0ull;
    case 6: return at;  // itself
    default: return target - at;  // relative
  }
}

int main(int argc, char** argv) {
  begin(argc, argv);
  size = sizes[variant % 4];
  uint64_t* victim = get(size);
  give_away();
  const uint64_t target = variant / 4 % 2 ? (uintptr_t)victim : (uintptr_t)target_area;
  for (int i = 0; i < kBlocks; ++i)
    for (size_t w = 0; w < size / 8; ++w) blocks[i][w] = encoded(variant / 8, target, (uintptr_t)&blocks[i][w]);
  take_in();
  put(victim);
  held();
}
