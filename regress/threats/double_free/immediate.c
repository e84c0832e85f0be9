//! attack: the same block freed twice in a row
//! outcome: stop
//! variants: 7
//! says: double free|unmapped|foreign
//! technique: fastbin_dup, tcache_dup
#include "../threats.h"

static const size_t sizes[] = {16, 64, 1000, 5000, 40000, 300000, 2 << 20};

int main(int argc, char** argv) {
  begin(argc, argv);
  const size_t size = sizes[variant];
  char* block = get(size);
  put(block);
  free(block);
  get(size);
  get(size);
  churn(size, 500);
  held();
}
