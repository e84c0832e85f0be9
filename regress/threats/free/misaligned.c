//! attack: free of an address that no alignment allows
//! outcome: stop
//! variants: 28
//! says: interior|misaligned
#include "../threats.h"

static const size_t sizes[] = {16, 64, 1000, 5000, 40000, 300000, 2 << 20};

int main(int argc, char** argv) {
  begin(argc, argv);
  char* block = get(sizes[variant % 7]);
  free(block + 1 + variant / 7 * 2);
  churn(64, 2000);
  held();
}
