// What all owners of one heap share: the system, the arena, the link key, settings, counters without an owner.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/fault.h"
#include "heap/arena.h"
#include "heap/lane.h"
#include "heap/block_links.h"
#include "heap/stats.h"

namespace masu {

// Transparent huge pages: a fault for 2 MiB instead of 512, and whole 2 MiB resident. kAuto asks for them for large
// blocks where what may stay untouched is little beside what already lives; kOn for segments too.
enum class HugePages : uint8_t { kAuto, kOff, kOn };

struct HeapConfig {
  size_t arena_limit = 0;             // bytes; 0: what the machine allows
  uint64_t decay_ms = 500;
  size_t large_cache = 64 * kMiB;     // bytes
  HugePages huge_pages = HugePages::kAuto;
  bool ignore_misuse = false;         // count faults that can_ignore() instead of stopping
};

template <class Lane>
struct Core {
  typename Lane::Os os{};
  Arena<Lane> arena;
  BlockLinks<PageMap<typename Lane::Sync>, Classes<Lane>> links{arena.map()};
  HeapConfig config;
  Stats<typename Lane::Sync> stats;
  // What each thread's bins may grow by: the more owners, the less.
  typename Lane::Sync::template Atomic<size_t> cache_bytes{Lane::kCacheBytes};

  // Counts and returns where the configuration lets us step over the fault.
  MASU_COLD void fault(Fault f, const Evidence& e) {
    stats.count_shared(Event::kMisuse);
    if (config.ignore_misuse && can_ignore(f)) return;
    Lane::fatal(f, e);
  }
  // The link in `block`, or what it leads to, is not what its free wrote.
  MASU_COLD void fault_link(uintptr_t block, const char* where) {
    Evidence e;
    e.address = block;
    e.where = where;
    fault(Fault::kCorruptLink, e);
  }
  MASU_COLD void internal(const char* detail, uintptr_t address) {
    Evidence e;
    e.address = address;
    e.detail = detail;
    Lane::fatal(Fault::kInternal, e);
  }
};

}  // namespace masu
