//! attack: single bits of waiting links flipped
//! outcome: stop or held
//! variants: 64
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
  size = sizes[1];
  give_away();
  for (int i = variant % 3; i < kBlocks; i += 3) blocks[i][0] ^= 1ull << variant;
  take_in();
  held();
}
