//! attack: a block's link of one round written back in the next round, when its target is live
//! outcome: stop or held
//! variants: 4
#include "../remote.h"

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
