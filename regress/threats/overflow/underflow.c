//! attack: 1 to 64 bytes before a block
//! outcome: stop or held
//! variants: 384
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {16, 24, 64, 200, 1024, 5000};
  const size_t size = sizes[variant % 6];
  const unsigned before = 1 + variant / 6 % 64;
  void* around[64];
  for (int i = 0; i < 64; ++i) around[i] = get_open(size);
  for (int i = 1; i < 64; i += 3) put(around[i]);
  memset((char*)around[30] - before, variant % 2 ? 0xff : 0, before);
  for (int i = 1; i < 64; i += 3) around[i] = get_open(size);
  for (int i = 0; i < 64; i += 2) put(around[i]);
  churn(size, 1500);
  held();
}
