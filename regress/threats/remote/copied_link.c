//! attack: a waiting block's link copied into another waiting block
//! outcome: stop or held
//! variants: 16
#include "../remote.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  size = sizes[variant % 4];
  give_away();
  static const int steps[] = {1, 2, 5, 17};
  for (int i = 0; i < kBlocks; ++i) blocks[i][0] = blocks[(i + steps[variant / 4]) % kBlocks][0];
  take_in();
  held();
}
