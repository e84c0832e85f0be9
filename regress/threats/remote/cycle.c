//! attack: waiting links bent into a ring by copying what stale reads show
//! outcome: stop or held
//! variants: 4
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


// Must end: a walk that never comes back is as good as a crash.
int main(int argc, char** argv) {
  begin(argc, argv);
  size = sizes[variant];
  give_away();
  // The oldest block of the batch is its tail; give it the encoding of the block freed first, under its own mask.
  for (int i = 1; i < kBlocks; ++i) {
    const uint64_t mask = blocks[i][0] ^ (uint64_t)blocks[i - 1];
    blocks[i][0] = mask ^ (uint64_t)blocks[(i + 20) % kBlocks];
  }
  take_in();
  held();
}
