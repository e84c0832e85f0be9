//! attack: what freed blocks hold while they wait in a local cache or slab
//! outcome: held
//! variants: 5
#include "../disclosure.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  const size_t bytes = sizes[variant];
  void* blocks[300];
  for (int i = 0; i < 300; ++i) blocks[i] = ours(bytes);
  for (int i = 0; i < 300; ++i) free(blocks[(i * 7) % 300]);
  for (int i = 0; i < 300; ++i) must_tell_nothing(blocks[i], bytes, "a freed block holds words of the allocator");
  _exit(0);
}
