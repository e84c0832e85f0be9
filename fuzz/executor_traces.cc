#include "fuzz/executor_traces.h"

#include <malloc.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace masu::fuzz {
namespace {

using trace::Kind;

constexpr unsigned kSlots = 512, kOperations = 10000, kThreads = 4;

struct Random {
  uint64_t state;
  uint64_t operator()() {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state * 0x2545F4914F6CDD1DU;
  }
};

size_t size_of(Random& random) {
  const uint64_t draw = random();
  const unsigned tier = draw % 64;
  if (tier < 24) return size_t{16} << (draw >> 8) % 6;  // few sizes, often: blocks come back soon
  const size_t bound = tier < 48 ? 1024 : tier < 60 ? 32768 : tier < 63 ? 262144 : 2097152;
  return 1 + (draw >> 8) % bound;
}

bool obeyed = true;

void rule(bool holds, const char* what) {
  if (holds) return;
  dprintf(STDOUT_FILENO, "found: %s (errno %d)\n", what, errno);
  obeyed = false;
}

void refused(const void* result, const char* what) {
  rule(result == nullptr && errno == ENOMEM, what);
  errno = 0;
}

}  // namespace

trace::Trace trace_of_seed(unsigned long seed) {
  Random random{seed * 0x9E3779B97F4A7C15U};
  const auto threads = static_cast<uint32_t>(1 + seed % kThreads);
  trace::Builder builder(size_t{2} * (threads * kOperations + kSlots));  // a realloc is two events
  bool live[kSlots] = {};
  for (unsigned i = 0; i < threads * kOperations; ++i) {
    const auto thread = static_cast<uint32_t>(random() % threads), slot = static_cast<uint32_t>(random() % kSlots);
    const unsigned draw = random() % 8;
    if (!live[slot]) {
      const Kind kind = draw == 0 ? Kind::kCalloc : draw == 1 ? Kind::kAligned : Kind::kMalloc;
      builder.append(thread, kind, slot, size_of(random), static_cast<uint8_t>(draw == 1 ? 3 + random() % 10 : 0));
    } else if (draw < 2) {
      builder.append(thread, Kind::kRealloc, slot);
      builder.append(thread, Kind::kResized, slot, size_of(random));
    } else {
      builder.append(thread, draw == 2 ? Kind::kUsable : Kind::kFree, slot);
    }
    if (draw > 2 || !live[slot]) live[slot] = !live[slot];
  }
  for (uint32_t slot = 0; slot < kSlots; ++slot)
    if (live[slot]) builder.append(0, Kind::kFree, slot);
  return builder.finish();
}

void check_returns() {
  static volatile size_t huge = SIZE_MAX / 2 + 1, half = SIZE_MAX / 2,
                         three = 3;  // volatile: the compiler knows malloc
  errno = 0;
  refused(malloc(huge), "malloc above PTRDIFF_MAX");
  refused(calloc(half, three), "calloc overflow");
  refused(reallocarray(nullptr, half, three), "reallocarray overflow");
  auto* block = static_cast<char*>(malloc(100));
  block[99] = 7;
  refused(realloc(block, huge), "realloc above PTRDIFF_MAX");
  rule(block[99] == 7, "failed realloc changed the block");
  free(block);
  void* out = nullptr;
  rule(posix_memalign(&out, three, 8) == EINVAL, "posix_memalign takes alignment 3");
  rule(posix_memalign(&out, 4, 8) == EINVAL, "posix_memalign takes alignment 4");
  out = nullptr;
  rule(posix_memalign(&out, 64, huge) == ENOMEM && out == nullptr, "posix_memalign above PTRDIFF_MAX");
  void* one = malloc(three - 3);
  void* two = malloc(three - 3);
  rule(one != nullptr && two != nullptr && one != two, "malloc(0) is not a block of its own");
  free(one);
  free(two);
  free(nullptr);
  rule(malloc_usable_size(nullptr) == 0, "usable size of null");
  if (!obeyed) _exit(1);
}

}  // namespace masu::fuzz
