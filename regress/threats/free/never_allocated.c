//! attack: free of a block-shaped neighbour that was never handed out
//! outcome: stop
//! variants: 3
//! says: double free|wild|foreign|interior|misaligned|unmapped
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const int far_[] = {3, 20, 50};
  char* a = get(64);
  char* b = get(64);
  const ptrdiff_t stride = b - a;  // slabs hand out neighbours
  char* target = b + far_[variant] * (stride ? stride : 64);
  if (is_live(target)) broken("the target is live");
  free(target);
  churn(64, 2000);
  held();
}
