//! attack: freed blocks overwritten from end to end with pointers
//! outcome: stop or held
//! variants: 56
//! technique: unsorted_bin_attack, large_bin_attack
#include "../threats.h"

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

static char global[512] __attribute__((aligned(64)));

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {16, 64, 512, 4096, 32768, 300000, 2 << 20};
  const size_t size = sizes[variant % 7];
  void* blocks[12];
  for (int i = 0; i < 12; ++i) blocks[i] = get_open(size);
  // A large block's memory may be unmapped at free: then there is nothing to write to.
  for (int i = 0; i < 12; i += 2) put(blocks[i]);
  for (int i = 0; i < 12; i += 2) {
    unsigned char present;
    if (mincore((void*)((uintptr_t)blocks[i] & ~(uintptr_t)4095), 4096, &present) != 0) continue;
    const size_t words = size <= 32768 ? size / 8 : 512;
    for (size_t w = 0; w < words; ++w) ((uint64_t*)blocks[i])[w] = encoded(variant / 7, (uintptr_t)global, (uintptr_t)blocks[i] + w * 8);
  }
  for (int i = 0; i < 60; ++i) get(size);
  churn(64, 500);
  held();
}
