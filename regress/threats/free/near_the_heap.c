//! attack: free of an address some way off a live block, where the heap may or may not reach
//! outcome: stop
//! variants: 18
//! says: wild|foreign|unmapped|misaligned|interior|double free
#include "../threats.h"

static const intptr_t distances[] = {1 << 12, 1 << 16, 1 << 20, 1 << 21, 1 << 24, 1 << 28, 1 << 30, (intptr_t)1 << 34, (intptr_t)1 << 40};

int main(int argc, char** argv) {
  begin(argc, argv);
  char* block = get(48);
  char* target = block + (variant % 2 ? -1 : 1) * (distances[variant / 2] + 4);  // 4: no block starts there
  free(target);
  churn(48, 2000);
  held();
}
