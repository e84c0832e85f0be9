//! attack: a live block's overflow runs into waiting neighbours
//! outcome: stop or held
//! variants: 32
#include "../remote.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  size = sizes[variant % 4];
  unsigned char* all[2 * kBlocks];
  for (int i = 0; i < 2 * kBlocks; ++i) all[i] = get_open(size);
  for (int i = 0; i < kBlocks; ++i) {
    blocks[i] = (uint64_t*)all[2 * i];
    forget(blocks[i]);
  }
  on_thread(free_all, NULL);
  static const unsigned extras[] = {1, 2, 4, 8, 9, 16, 33, 64};
  for (int i = 0; i < kBlocks; ++i) memset(all[2 * i + 1] + malloc_usable_size(all[2 * i + 1]), variant & 1 ? 'A' : 0, extras[variant / 4]);
  take_in();
  held();
}
