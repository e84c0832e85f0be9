//! attack: the size of the last chunk made huge, then a request that wraps to a target
//! outcome: stop or held
//! technique: house_of_force
#include "../threats.h"

static char target[4096];

int main(int argc, char** argv) {
  begin(argc, argv);
  uint64_t* block = get_open(256);
  const size_t usable = malloc_usable_size(block);
  block[usable / 8] = ~0ull;
  const size_t distance = (uintptr_t)target - 32 - (uintptr_t)block - usable;
  void* jump = malloc(distance);
  if (jump && distance > (size_t)1 << 46) broken("malloc granted an impossible size");
  for (int i = 0; i < 50; ++i) get(100);
  held();
}
