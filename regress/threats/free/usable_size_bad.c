//! attack: malloc_usable_size of an address that is no live block
//! outcome: stop or held
//! variants: 6
#include "../threats.h"

static char global[256];

int main(int argc, char** argv) {
  begin(argc, argv);
  char local[256];
  char* block = get(96);
  char* gone = get(96);
  put(gone);
  void* targets[] = {local + 64, global + 64, block + 16, block + 3, gone, (void*)0x414141414140};
  static volatile size_t size;
  size = malloc_usable_size(targets[variant]);
  if (size > 96 + 64) broken("malloc_usable_size invented a size");
  churn(96, 2000);
  held();
}
