//! attack: the link's encoding computed from what a stale read shows, then forged exactly
//! outcome: stop or held
//! variants: 72
//! technique: decrypt_safe_linking, then tcache_poisoning
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


// Whatever was exclusive-ored into a link is its word ^ the next block. The attacker knows the order of the frees.
int main(int argc, char** argv) {
  begin(argc, argv);
  size = sizes[variant % 4];
  uint64_t* victim = get(size);
  uint64_t* waiting_locally = get(size);
  give_away();
  put(waiting_locally);
  for (int i = 0; i < kBlocks; ++i) {
    const uint64_t guesses[] = {i > 0 ? (uint64_t)blocks[i - 1] : 0, i + 1 < kBlocks ? (uint64_t)blocks[i + 1] : 0, 0};
    const uint64_t mask = blocks[i][0] ^ guesses[variant / 4 % 3];
    const uint64_t targets[] = {(uint64_t)target_area, (uint64_t)victim, (uint64_t)victim + 16, (uint64_t)blocks[i],
                                (uint64_t)waiting_locally, (uint64_t)blocks[(i + 7) % kBlocks]};
    if (i % 5 == 2) blocks[i][0] = mask ^ targets[variant / 12];
  }
  take_in();
  put(victim);
  held();
}
