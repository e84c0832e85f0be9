//! attack: free of an address some way off a live block, where the heap may or may not reach
//! outcome: stop
//! variants: 36
//! says: wild|foreign|unmapped|misaligned|interior|double free
#include "../threats.h"

static const intptr_t distances[] = {1 << 12, 1 << 16, 1 << 20, 1 << 21, 1 << 24, 1 << 28, 1 << 30, (intptr_t)1 << 34, (intptr_t)1 << 40};

int main(int argc, char** argv) {
  begin(argc, argv);
  char* block = get(48);
  // Half of them where no block can start, half where one could.
  char* target = block + (variant % 2 ? -1 : 1) * (distances[variant / 2 % 9] + (variant < 18 ? 4 : 0));
  free(target);
  churn(48, 2000);
  held();
}
