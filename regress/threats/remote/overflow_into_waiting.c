//! attack: a live block's overflow runs into waiting neighbours
//! outcome: stop or held
//! variants: 32
#include "../threats.h"

enum { kBlocks = 48 };
static uint64_t* blocks[kBlocks];
static size_t size;
static uint64_t target_area[64] __attribute__((aligned(64)));

// Frees them all from another thread: they wait, linked through their first words, for their owner.
static void* free_all(void* unused) {
  for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
  return unused;
}

static void give_away(void) {
  for (int i = 0; i < kBlocks; ++i) blocks[i] = get_open(size);
  for (int i = 0; i < kBlocks; ++i) forget(blocks[i]);
  on_thread(free_all, NULL);
}

// The owner takes in whatever waits.
static void take_in(void) {
  for (int i = 0; i < 1500; ++i) get(size);
  churn(size, 2000);
}

static const size_t sizes[] = {16, 64, 512, 4096};

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
