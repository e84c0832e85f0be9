//! attack: whether the link in a waiting block reads as an address of anything mapped
//! outcome: held
//! variants: 5
#include "../threats.h"

// Only words that we or the allocator wrote can be in a block that was ours before. Ours are known.
enum { kOurs = 0x5a };
static void* once_ours[8192];
static size_t once_count;

static void remember(void* block) {
  if (once_count < 8192) once_ours[once_count++] = block;
}

static int was_ours(void* block) {
  for (size_t i = 0; i < once_count; ++i)
    if (once_ours[i] == block) return 1;
  return 0;
}

// Zero and our own filling tell nothing; every other word is the allocator's.
static void must_tell_nothing(const void* block, size_t bytes, const char* property) {
  const uint64_t* words = block;
  uint64_t ours;
  memset(&ours, kOurs, 8);
  for (size_t w = 0; w < bytes / 8; ++w)
    if (words[w] != 0 && words[w] != ours) broken(property);
}

static void* ours(size_t bytes) {
  void* block = malloc(bytes);
  if (!block) broken("malloc returned null");
  return memset(block, kOurs, bytes);
}

static const size_t sizes[] = {16, 48, 64, 256, 1024, 4096, 20000, 300000};


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
