//! attack: free of an address inside a live block
//! outcome: stop
//! variants: 42
//! says: interior|misaligned
#include "../threats.h"

static const size_t sizes[] = {16, 64, 1000, 5000, 40000, 300000, 2 << 20};

int main(int argc, char** argv) {
  begin(argc, argv);
  const size_t size = sizes[variant % 7];
  const size_t offsets[] = {16, 48, size / 2 & ~(size_t)15, size - 16, 4096, 65536};
  size_t offset = offsets[variant / 7];
  if (offset == 0 || offset >= size) offset = 8;
  char* block = get(size);
  get(size);
  free(block + offset);
  churn(size, 500);
  held();
}
