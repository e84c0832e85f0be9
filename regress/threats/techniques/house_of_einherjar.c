//! attack: a fake previous chunk in front of a block, its in-use mark cleared
//! outcome: stop or held
//! technique: house_of_einherjar
#include "../threats.h"

// A chunk as glibc would believe it: sizes before and behind, flags set.
static uint64_t fake[64] __attribute__((aligned(64)));

static void dress(uint64_t size) {
  fake[1] = size | 1;
  fake[2 + size / 8 - 1] = 0x41;
}

int main(int argc, char** argv) {
  begin(argc, argv);
  uint64_t* a = get_open(0x38);
  uint64_t* b = get_open(0xf8);
  get(0x28);
  dress(0x100);
  const uint64_t distance = (uint64_t)b - 16 - (uint64_t)fake;
  a[6] = distance;
  *((unsigned char*)a + 0x38) = 0;
  fake[2] = fake[3] = (uint64_t)fake;
  fake[1] = distance;
  put(b);
  for (int i = 0; i < 50; ++i) get(0x200);
  held();
}
