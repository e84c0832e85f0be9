//! attack: a block's link of one round written back in the next round, when its target is live
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

int main(int argc, char** argv) {
  begin(argc, argv);
  size = sizes[variant % 4];
  uint64_t seen[kBlocks];
  uint64_t* where[kBlocks];
  give_away();
  for (int i = 0; i < kBlocks; ++i) {
    seen[i] = blocks[i][0];
    where[i] = blocks[i];
  }
  // Take them back: most become live again, some of them are freed remotely once more, in another order.
  static uint64_t* back[1500];
  int n = 0;
  for (int i = 0; i < 1500; ++i) back[n++] = get_open(size);
  int again = 0;
  for (int i = 0; i < n && again < kBlocks; ++i) {
    for (int j = 0; j < kBlocks; j += 2) {
      if (back[i] != where[j]) continue;
      forget(back[i]);
      blocks[again++] = back[i];
      break;
    }
  }
  while (again < kBlocks) {
    blocks[again] = get_open(size);
    forget(blocks[again++]);
  }
  on_thread(free_all, NULL);
  for (int j = 0; j < kBlocks; j += 2)
    for (int i = 0; i < kBlocks; ++i)
      if (blocks[i] == where[j]) where[j][0] = seen[j];
  take_in();
  held();
}
