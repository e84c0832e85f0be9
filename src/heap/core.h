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
  // Epoch: moves on when memory has run out, or when half of what was in use has come back. Owners then give up what they
  // cache at their next boundary.
  typename Sync::template Atomic<uint32_t> pressure{0};
  Owner<Lane>* owners[Lane::kMaxOwners] = {};

  // All threads' page runs. Whoever empties a slab or frees a run puts its pages here, for everyone.
  typename Sync::Mutex runs_lock{kRankRuns};
  Runs<Lane> runs;
  typename Sync::template Atomic<uint64_t> now_ms{0};  // as of the last tick
  typename Sync::template Atomic<uint64_t> shrank_ms{0};
  typename Sync::template Atomic<uint32_t> shrinks{0};  // in this decay period
  typename Sync::template Atomic<bool> is_shrunk{false};  // and what came back has not gone to the system yet
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

  uint32_t press() { return pressure.fetch_add(1, std::memory_order_relaxed) + 1; }  // relaxed: a call, not a message
  void watch(bool on) {
    is_shrunk.store(on, std::memory_order_relaxed);  // relaxed: a hint
    arena.set_watched(on);
  }
  // Half of what was there has come back: the heap is watched. False for one that has been often enough in a decay period.
  MASU_COLD bool shrank() {
    // relaxed: a clock, and a number that may be off by as many threads as come here at once.
    const uint64_t now = os.now_ms();
    if (shrank_ms.load(std::memory_order_relaxed) + config.decay_ms <= now) shrinks.store(0, std::memory_order_relaxed);
    const uint32_t before = shrinks.load(std::memory_order_relaxed);
    if (before >= Lane::kShrinks) return false;
    shrinks.store(before + 1, std::memory_order_relaxed);
    shrank_ms.store(now, std::memory_order_relaxed);
    watch(true);
    press();
    return true;
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
