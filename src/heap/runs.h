// Page runs: segments cut into runs, sorted by how long a free run they may hold. The heap has one pool for all threads,
// under a lock (see Core); a private heap has its own, and gives its segments back whole. No lock in here; the arena's lock
// is taken only to get or return a segment.
//   bucket(segment) = its `longest` where that is short, else a range of them;  at most one empty segment is kept (the spare).
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "heap/arena.h"
#include "heap/config.h"
#include "heap/peak.h"

namespace masu {

template <class Lane>
struct Core;

template <class Lane>
class Runs {
  using Sync = typename Lane::Sync;
  using Seg = typename Arena<Lane>::Seg;
  static constexpr unsigned kPurged = 8;  // segments at once
  static constexpr unsigned kExact = 32;  // lengths with a bucket each; one for every doubling behind them
  static constexpr unsigned bucket_of(unsigned length) {
    return length < kExact ? length : kExact + static_cast<unsigned>(std::bit_width(length / kExact)) - 1;
  }
  static constexpr unsigned kBuckets = bucket_of(Lane::kSegmentPages) + 1;
  static_assert(kBuckets <= 64);

 public:
  // `owner`: the private heap's, 0 for all threads'.
  constexpr explicit Runs(uint32_t owner = 0) : owner_(owner) {
    for (auto& head : heads_) head = kNoSegment;
  }

  // (pages, alignment in pages); `zero` says that all of it reads as zero. kNoPage where there is no memory.
  PageId alloc(Core<Lane>& core, unsigned pages, unsigned align, bool& zero, Stats<Sync>& stats) {
    stats.count(Event::kRunAlloc);
    for (uint64_t filled = filled_ >> bucket_of(pages) << bucket_of(pages); filled != 0; filled &= filled - 1) {
      for (SegmentId s = heads_[std::countr_zero(filled)], next; s != kNoSegment; s = next) {
        next = seg(core, s).next;
        const unsigned first = seg(core, s).find(pages, align);
        if (first < Lane::kSegmentPages) return take(core, s, first, pages, zero);
        rebucket(core, s);
      }
    }
    const bool huge = core.config.huge_pages == HugePages::kOn;
    const SegmentId s = core.arena.acquire(core.os, owner_, huge, stats);
    if (s == kNoSegment) return kNoPage;
    ++segments_;
    link(core, s);
    return take(core, s, 0, pages, zero);
  }

  void free(Core<Lane>& core, PageId page, unsigned pages, uint64_t now_ms, Stats<Sync>& stats) {
    stats.count(Event::kRunFree);
    const SegmentId s = Arena<Lane>::segment_of(page);
    Seg& g = seg(core, s);
    if constexpr (Lane::kChecked) {
      const bool taken = g.owner == owner_ && g.free.all(page - Arena<Lane>::first_page(s), pages, false);
      if (!taken) return core.internal("a run came back to its segment twice", core.arena.map().address(page));
    }
    g.put(page - Arena<Lane>::first_page(s), pages);
    g.freed_ms = now_ms;
    freed_since_ = true;
    settle(core, s, stats);
    taken_ -= pages;
    if (MASU_UNLIKELY(peak_.halved(taken_, Lane::kShrinkPages)) && core.shrank()) peak_.fall(taken_);
  }

  void release_spare(Core<Lane>& core, Stats<Sync>& stats) {
    if (spare_ != kNoSegment) release(core, spare_, stats);
    spare_ = kNoSegment;
  }

  // Gives pages that have been free since before `deadline_ms` back to the system; they read as zero after. While the
  // system is at it the pages count as taken, and `lock` is open.
  template <class Mutex>
  void purge(Core<Lane>& core, uint64_t deadline_ms, Stats<Sync>& stats, Mutex& lock) {
    if (spare_ != kNoSegment && seg(core, spare_).freed_ms <= deadline_ms) release_spare(core, stats);
    // Others free meanwhile: once round, not until nothing is left.
    for (uint32_t left = segments_ / kPurged + 1; left > 0 && purge_some(core, deadline_ms, stats, lock); --left) {
    }
  }

  template <class Visit>
  void each(Core<Lane>& core, Visit&& visit) {
    for (SegmentId head : heads_) {
      for (SegmentId s = head, next; s != kNoSegment; s = next) {
        next = seg(core, s).next;
        visit(s);
      }
    }
  }

  // Every segment goes back, whatever lies in it: for the end of a private heap.
  void release_all(Core<Lane>& core, Stats<Sync>& stats) {
    if (taken_ >= Lane::kShrinkPages) core.shrank();
    each(core, [&](SegmentId s) { release(core, s, stats); });
    spare_ = kNoSegment;
  }

  bool freed_since() { return std::exchange(freed_since_, false); }
  uint32_t segments() const { return segments_; }

  bool check(Core<Lane>& core) {
    uint32_t n = 0;
    bool good = true;
    for (unsigned b = 0; b < kBuckets; ++b) {
      SegmentId prev = kNoSegment;
      good = good && ((filled_ >> b) & 1) == (heads_[b] != kNoSegment);
      for (SegmentId s = heads_[b]; s != kNoSegment && n <= segments_; prev = s, s = seg(core, s).next, ++n) {
        const Seg& g = seg(core, s);
        good = good && g.bucket == b && g.prev == prev && g.owner == owner_ && bucket_of(g.longest) == b &&
               g.free.count() == g.free_pages && (!g.empty() || spare_ == s);
      }
    }
    return good && n == segments_;
  }

 private:
  Seg& seg(Core<Lane>& core, SegmentId s) { return core.arena.segment(s); }

  PageId take(Core<Lane>& core, SegmentId s, unsigned first, unsigned pages, bool& zero) {
    zero = seg(core, s).take(first, pages);
    if (spare_ == s) spare_ = kNoSegment;
    taken_ += pages;
    if (MASU_UNLIKELY(peak_.rose(taken_, Lane::kShrinkPages))) core.watch(false);
    return Arena<Lane>::first_page(s) + first;
  }
  void settle(Core<Lane>& core, SegmentId s, Stats<Sync>& stats) {
    if (seg(core, s).empty() && spare_ != s) {
      if (spare_ != kNoSegment) return release(core, s, stats);
      spare_ = s;
    }
    rebucket(core, s);
  }

  // Purges some segments' due pages; false where none is due.
  template <class Mutex>
  bool purge_some(Core<Lane>& core, uint64_t deadline_ms, Stats<Sync>& stats, Mutex& lock) {
    struct Due {
      SegmentId segment;
      typename Seg::Pages pages, failed;
    };
    Due due[kPurged];
    unsigned n = 0;
    const unsigned unit = static_cast<unsigned>(core.os.page_size() / kPage);
    each(core, [&](SegmentId s) {
      Seg& g = seg(core, s);
      if (n == std::size(due) || !g.purge_pending || g.freed_ms > deadline_ms) return;
      due[n].segment = s;
      if (!g.take_dirty(unit, due[n].pages)) return;
      if (spare_ == s) spare_ = kNoSegment;  // nor may another release it meanwhile
      ++n;
    });
    if (n == 0) return false;
    lock.unlock();
    bool all = true;
    for (unsigned i = 0; i < n; ++i) {
      due[i].failed = {};
      each_run(due[i].pages, [&](unsigned first, unsigned pages) {
        if (core.os.purge(core.arena.at_page(due[i].segment, first), pages * kPage)) {
          stats.count(Event::kPurge);
          stats.count(Event::kPurgePages, pages);
        } else {
          due[i].failed.assign(first, pages, true);
          all = false;
        }
      });
    }
    lock.lock();
    for (unsigned i = 0; i < n; ++i) {
      seg(core, due[i].segment).put_back(due[i].pages, due[i].failed);
      settle(core, due[i].segment, stats);
    }
    return all;
  }

  void release(Core<Lane>& core, SegmentId s, Stats<Sync>& stats) {
    unlink(core, s);
    --segments_;
    core.arena.release(core.os, s, seg(core, s).freed_ms, stats);
  }

  void rebucket(Core<Lane>& core, SegmentId s) {
    if (seg(core, s).bucket == bucket_of(seg(core, s).longest)) return;
    unlink(core, s);
    link(core, s);
  }
  void link(Core<Lane>& core, SegmentId s) {
    Seg& g = seg(core, s);
    g.bucket = static_cast<uint8_t>(bucket_of(g.longest));
    g.prev = kNoSegment;
    g.next = heads_[g.bucket];
    if (g.next != kNoSegment) seg(core, g.next).prev = s;
    heads_[g.bucket] = s;
    filled_ |= uint64_t{1} << g.bucket;
  }
  void unlink(Core<Lane>& core, SegmentId s) {
    Seg& g = seg(core, s);
    (g.prev == kNoSegment ? heads_[g.bucket] : seg(core, g.prev).next) = g.next;
    if (g.next != kNoSegment) seg(core, g.next).prev = g.prev;
    if (heads_[g.bucket] == kNoSegment) filled_ &= ~(uint64_t{1} << g.bucket);
  }

  uint32_t owner_;
  uint32_t segments_ = 0;
  size_t taken_ = 0;  // pages
  Peak peak_;         // of them
  SegmentId spare_ = kNoSegment;
  bool freed_since_ = false;
  uint64_t filled_ = 0;  // a bit a bucket that is not empty
  SegmentId heads_[kBuckets] = {};
};

}  // namespace masu
