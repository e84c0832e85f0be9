//! attack: free through forged segment metadata: a block moved to look like another arena's
//! outcome: stop or held
//! technique: house_of_mind_fastbin
#include "../threats.h"

// Writes a plausible header at every power of two below the block that is writable heap and not live.
int main(int argc, char** argv) {
  begin(argc, argv);
  static void* blocks[2000];
  for (int i = 0; i < 2000; ++i) blocks[i] = get_open(1000);
  uint64_t* block = blocks[1999];
  block[-1] |= 4;  // NON_MAIN_ARENA
  put(block);
  for (int i = 0; i < 200; ++i) get(1000);
  held();
}
