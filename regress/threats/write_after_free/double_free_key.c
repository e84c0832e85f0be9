//! attack: the mark that some allocators leave in freed blocks wiped, then freed again
//! outcome: stop
//! variants: 4
//! says: double free|unmapped
//! technique: tcache_dup with the key wiped, house_of_botcake
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {16, 64, 512, 4096};
  const size_t size = sizes[variant];
  char* block = get(size);
  put(block);
  memset(block, 0, size);
  free(block);
  get(size);
  get(size);
  held();
}
