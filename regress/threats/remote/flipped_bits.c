//! attack: single bits of waiting links flipped
//! outcome: stop or held
//! variants: 64
#include "../remote.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  size = sizes[1];
  give_away();
  for (int i = variant % 3; i < kBlocks; i += 3) blocks[i][0] ^= 1ull << variant;
  take_in();
  held();
}
