//! attack: waiting links bent into a ring by copying what stale reads show
//! outcome: stop or held
//! variants: 4
#include "../remote.h"

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
