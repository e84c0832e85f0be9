// Event counters: one table of names for the statistics API, the exit line and the docs. Only boundary
// events count; malloc's and free's hits never do. Each owner has a set that only its lease holder writes;
// the heap has one more for events without an owner.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace masu {

enum class Event : uint8_t {
  kRefill, kFlush, kDrain, kDrainEmpty, kSpillFill, kSpillOverflow, kStashPush, kStashBlocks, kStashOwn,
  kDirectFree, kRunAlloc, kRunFree, kRunClaim, kSlabCarve, kSlabRelease, kSlabAbandon, kSlabClaim, kSegmentAcquire, kSegmentRelease, kSegmentCommit,
  kArenaLock, kPurge, kPurgePages, kLargeMap, kLargeUnmap, kLargeCacheHit, kLargeLock, kOwnerCreate, kOwnerAdopt,
  kOwnerOrphan, kOwnerCollect, kEscape, kEscapeFlush, kEscapeCollect, kEscapeWait, kEscapeSaved, kOutOfMemory,
  kMisuse,
  kCount,
};

constexpr const char* kEventNames[static_cast<size_t>(Event::kCount)] = {
    "refills", "flushes", "drains", "drains_empty", "spill_fills", "spill_overflows", "stash_pushes",
    "stash_blocks", "stash_own", "direct_frees", "run_allocs", "run_frees", "run_claims", "slab_carves", "slab_releases", "slab_abandons", "slab_claims",
    "segment_acquires", "segment_releases", "segment_commits", "arena_locks", "purges", "purged_pages",
    "large_maps", "large_unmaps", "large_cache_hits", "large_locks", "owners_created", "owners_adopted",
    "owners_orphaned", "owners_collected", "escapes", "escape_flushes", "escape_collects", "escape_waits",
    "escape_saves", "out_of_memory", "misuses",
};

template <class Sync>
class Stats {
 public:
  constexpr Stats() = default;

  // One writer (the lease holder): a load and a store, no locked instruction.
  void count(Event e, uint64_t n = 1) {
    auto& c = counters_[static_cast<size_t>(e)];
    // relaxed: a reader may see a count that is a moment old.
    c.store(c.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // Any number of writers.
  void count_shared(Event e, uint64_t n = 1) {
    counters_[static_cast<size_t>(e)].fetch_add(n, std::memory_order_relaxed);  // relaxed: only a sum
  }
  uint64_t get(Event e) const {
    return counters_[static_cast<size_t>(e)].load(std::memory_order_relaxed);  // relaxed: as above
  }

 private:
  typename Sync::template Atomic<uint64_t> counters_[static_cast<size_t>(Event::kCount)] = {};
};

}  // namespace masu
