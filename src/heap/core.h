// What all owners of one heap share: the system, the arena, the link key, settings, counters without an owner.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/fault.h"
#include "heap/arena.h"
#include "heap/lane.h"
#include "heap/block_links.h"
#include "heap/runs.h"
#include "heap/stats.h"

namespace masu {

template <class Lane>
class Owner;

template <class Lane>
struct Core {
  using Sync = typename Lane::Sync;

  typename Lane::Os os{};
  Arena<Lane> arena;
  BlockLinks<PageMap<Sync>, Classes<Lane>> links{arena.map()};
  HeapConfig config;
  Stats<Sync> stats;
  typename Sync::template Atomic<uint32_t> owner_count{0};
  Owner<Lane>* owners[Lane::kMaxOwners] = {};

  // All threads' page runs. Whoever empties a slab or frees a run puts its pages here, for everyone.
  typename Sync::Mutex runs_lock{kRankRuns};
  Runs<Lane> runs;
  typename Sync::template Atomic<uint64_t> now_ms{0};  // as of the last tick
  // What each thread's bins may grow by: the more owners, the less.
  typename Sync::template Atomic<size_t> cache_bytes{Lane::kCacheBytes};

  // (pages, alignment in pages), as Runs::alloc() and free().
  PageId alloc_pages(unsigned pages, unsigned align, bool& zero, Stats<Sync>& counts) {
    Lock guard(runs_lock);
    return runs.alloc(*this, pages, align, zero, counts);
  }
  void free_pages(PageId page, unsigned pages, Stats<Sync>& counts) {
    const uint64_t now = now_ms.load(std::memory_order_relaxed);  // relaxed: only decides when they decay
    Lock guard(runs_lock);
    runs.free(*this, page, pages, now, counts);
  }

  // Whether any page came back since the last call.
  bool freed_since() {
    const bool segments = arena.freed_since();
    Lock guard(runs_lock);
    return runs.freed_since() || segments;
  }

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
