//! attack: the first words of freed blocks pointed at the stack, a global and a live block
//! outcome: stop or held
//! variants: 120
//! technique: tcache_poisoning, fastbin_dup_into_stack, fastbin_reverse_into_tcache, house_of_lore
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
  static const size_t sizes[] = {16, 64, 512, 4096, 32768};
  char local[512] __attribute__((aligned(64)));
  memset(local, 0, sizeof local);
  const size_t size = sizes[variant % 5];
  const unsigned how = variant / 5 % 8;
  void* victim = get(size);
  void* blocks[40];
  for (int i = 0; i < 40; ++i) blocks[i] = get_open(size);
  void* targets[] = {local, global, victim};
  const uint64_t target = (uintptr_t)targets[variant / 40];
  for (int i = 0; i < 40; ++i) put(blocks[i]);
  for (int i = 0; i < 40; ++i)
    for (size_t w = 0; w < 4 && w * 8 < size; ++w) ((uint64_t*)blocks[i])[w] = encoded(how, target, (uintptr_t)blocks[i] + w * 8);
  for (int i = 0; i < 200; ++i) get(size);
  churn(size, 500);
  held();
}
