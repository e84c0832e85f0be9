//! attack: whether the link in a waiting block reads as an address of anything mapped
//! outcome: held
//! variants: 5
#include "../disclosure.h"

static void* blocks[300];

static void* free_all(void* unused) {
  for (int i = 0; i < 300; ++i) free(blocks[i]);
  return unused;
}

static int mapped(uint64_t value) {
  unsigned char present;
  return value >= 4096 && value < 1ull << 47 && mincore((void*)(value & ~4095ull), 4096, &present) == 0;
}

int main(int argc, char** argv) {
  begin(argc, argv);
  const size_t bytes = sizes[variant];
  for (int i = 0; i < 300; ++i) blocks[i] = ours(bytes);
  on_thread(free_all, NULL);
  for (int i = 0; i < 300; ++i) {
    const uint64_t* words = blocks[i];
    // Two words are the batch's: the link, and one further ahead.
    must_tell_nothing(words + 2, bytes - 16, "a waiting block holds more of the allocator than its batch's links");
    if (mapped(words[0]) || mapped(words[1])) broken("a link of a waiting block is a readable address");
  }
  _exit(0);
}
