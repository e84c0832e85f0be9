// For attacks that read what blocks hold: blocks of ours, and whether anything but our own words is in them.
#pragma once

#include "threats.h"

// Only words that we or the allocator wrote can be in a block that was ours before. Ours are known.
enum { kOurs = 0x5a };
static void* once_ours[8192];
static size_t once_count;

UNUSED static void remember(void* block) {
  if (once_count < 8192) once_ours[once_count++] = block;
}

UNUSED static int was_ours(void* block) {
  for (size_t i = 0; i < once_count; ++i)
    if (once_ours[i] == block) return 1;
  return 0;
}

// Zero and our own filling tell nothing; every other word is the allocator's.
UNUSED static void must_tell_nothing(const void* block, size_t bytes, const char* property) {
  const uint64_t* words = block;
  uint64_t ours;
  memset(&ours, kOurs, 8);
  for (size_t w = 0; w < bytes / 8; ++w)
    if (words[w] != 0 && words[w] != ours) broken(property);
}

UNUSED static void* ours(size_t bytes) {
  void* block = malloc(bytes);
  if (!block) broken("malloc returned null");
  return memset(block, kOurs, bytes);
}

static const size_t sizes[] = {16, 48, 64, 256, 1024, 4096, 20000, 300000};
