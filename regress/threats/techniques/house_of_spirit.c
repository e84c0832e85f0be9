//! attack: free of a fake chunk in a global or on the stack, to have malloc return it
//! outcome: stop
//! variants: 6
//! says: foreign|wild|misaligned
//! technique: house_of_spirit, tcache_house_of_spirit
#include "../threats.h"

// A chunk as glibc would believe it: sizes before and behind, flags set.
static uint64_t fake[64] __attribute__((aligned(64)));

static void dress(uint64_t size) {
  fake[1] = size | 1;
  fake[2 + size / 8 - 1] = 0x41;
}

int main(int argc, char** argv) {
  begin(argc, argv);
  static const uint64_t sizes[] = {0x40, 0x80, 0x100};
  uint64_t on_stack[64] __attribute__((aligned(64)));
  dress(sizes[variant % 3]);
  memcpy(on_stack, fake, sizeof fake);
  forbid(on_stack, sizeof on_stack);
  get(sizes[variant % 3] - 16);
  free(variant < 3 ? &fake[2] : &on_stack[2]);
  for (int i = 0; i < 20; ++i) get(sizes[variant % 3] - 16);
  held();
}
