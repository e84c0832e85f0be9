// 40 MiB live at a time, all of it freed between phases of blocks of 100 bytes to 10 MB. In a small container what is kept
// for reuse must not get the process killed.
#include "check.h"

int main() {
  constexpr size_t kLive = size_t{40} << 20;
  for (int round = 0; round < 3; ++round) {
    for (size_t bytes = 100; bytes <= 10'000'000; bytes *= 10) {
      const size_t count = kLive / bytes;
      void** blocks = static_cast<void**>(malloc(count * sizeof(void*)));
      CHECK(blocks != nullptr);
      for (size_t i = 0; i < count; ++i) {
        blocks[i] = malloc(bytes);
        CHECK(blocks[i] != nullptr);
        memset(blocks[i], 1, bytes);
      }
      for (size_t i = 0; i < count; ++i) free(blocks[i]);
      free(blocks);
    }
  }
}
