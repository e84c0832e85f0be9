//! attack: what fresh blocks hold after local frees of their class
//! outcome: held
//! variants: 8
#include "../disclosure.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  const size_t bytes = sizes[variant];
  void* blocks[300];
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 300; ++i) blocks[i] = ours(bytes);
    for (int i = 0; i < 300; ++i) remember(blocks[i]);
    for (int i = 0; i < 300; ++i) free(blocks[(i * 7) % 300]);
    for (int i = 0; i < 300; ++i) {
      blocks[i] = malloc(bytes);
      if (was_ours(blocks[i])) must_tell_nothing(blocks[i], bytes, "a fresh block holds words of the allocator");
    }
    for (int i = 0; i < 300; ++i) memset(blocks[i], kOurs, bytes);
    for (int i = 0; i < 300; ++i) free(blocks[i]);
    once_count = 0;
  }
  _exit(0);
}
