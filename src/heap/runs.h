// An owner's page runs: its segments, sorted by how long a free run they may hold. Lease holder only, no lock;
// the arena's lock is taken only to get or return a whole segment.
//   bucket(segment) = bit width of its `longest`;  at most one empty segment is kept (the spare).
#pragma once

#include <cstddef>
#include <cstdint>

#include "heap/core.h"

namespace masu {

template <class Lane>
class Runs {
  using Sync = typename Lane::Sync;
  using Seg = typename Arena<Lane>::Seg;
  static constexpr unsigned kBuckets = std::bit_width(Lane::kSegmentPages) + 1;

 public:
  void init(Core<Lane>& core, uint32_t id, Stats<Sync>& stats) {
    core_ = &core;
    id_ = id;
    stats_ = &stats;
    spare_ = kNoSegment;
    held_ = 0;
    for (auto& head : heads_) head = kNoSegment;
  }

  // (pages, alignment in pages); `zero` says that all of it reads as zero. kNoPage where there is no memory.
  PageId alloc(unsigned pages, unsigned align, bool& zero) {
    stats_->count(Event::kRunAlloc);
    const PageId page = find(pages, align, zero);
    held_ += page != kNoPage;
    return page;
  }

  void free(PageId page, unsigned pages) {
    stats_->count(Event::kRunFree);
    --held_;
    const SegmentId s = Arena<Lane>::segment_of(page);
    if (seg(s).owner != id_) return core_->arena.free_shared(page, pages, now_ms, *stats_);
    if constexpr (Lane::kChecked) {
      const bool taken = seg(s).free.all(page - Arena<Lane>::first_page(s), pages, false);
      if (!taken) return core_->internal("a run came back to its segment twice", core_->arena.map().address(page));
    }
    seg(s).put(page - Arena<Lane>::first_page(s), pages);
    seg(s).freed_ms = now_ms;
    if (seg(s).empty()) {
      if (spare_ != kNoSegment && spare_ != s) return release(s);
      spare_ = s;
    }
    rebucket(s);
  }

  void release_spare() {
    if (spare_ != kNoSegment) release(spare_);
    spare_ = kNoSegment;
  }

  // Lets everyone use the free pages of our segments.
  void share() {
    release_spare();
    each([&](SegmentId s) {
      if (seg(s).free_pages == 0) return;
      unlink(s);
      --segments_;
      stats_->count(Event::kSegmentShare);
      core_->arena.share(s);
    });
  }

  // Gives pages that have been free since before `deadline_ms` back to the system; they read as zero after.
  void purge(uint64_t deadline_ms) {
    if (spare_ != kNoSegment && seg(spare_).freed_ms <= deadline_ms) release_spare();
    each([&](SegmentId s) {
      if (seg(s).purge_pending && seg(s).freed_ms <= deadline_ms) core_->arena.purge_free(core_->os, s, *stats_);
    });
  }

  template <class Visit>
  void each(Visit&& visit) {
    for (SegmentId head : heads_) {
      for (SegmentId s = head, next; s != kNoSegment; s = next) {
        next = seg(s).next;
        visit(s);
      }
    }
  }

  // Every segment goes back, whatever lies in it: for the end of a private heap.
  void release_all() {
    each([&](SegmentId s) { release(s); });
    spare_ = kNoSegment;
    held_ = 0;
  }

  uint32_t segments() const { return segments_; }
  bool empty() const { return held_ == 0; }  // no run, in our segments or in shared ones
  uint64_t now_ms = 0;    // as of the last tick
  bool own_only = false;  // a private heap: what it holds must end with its segments

  bool check() {
    uint32_t n = 0;
    bool good = true;
    for (unsigned b = 0; b < kBuckets; ++b) {
      SegmentId prev = kNoSegment;
      for (SegmentId s = heads_[b]; s != kNoSegment && n <= segments_; prev = s, s = seg(s).next, ++n) {
        good = good && seg(s).bucket == b && seg(s).prev == prev && seg(s).owner == id_ &&
               std::bit_width(seg(s).longest) == static_cast<int>(b) && seg(s).free.count() == seg(s).free_pages &&
               (!seg(s).empty() || spare_ == s);
      }
    }
    return good && n == segments_;
  }

 private:
  Seg& seg(SegmentId s) { return core_->arena.segment(s); }

  PageId find(unsigned pages, unsigned align, bool& zero) {
    for (unsigned b = static_cast<unsigned>(std::bit_width(pages)); b < kBuckets; ++b) {
      for (SegmentId s = heads_[b], next; s != kNoSegment; s = next) {
        next = seg(s).next;
        const unsigned first = seg(s).find(pages, align);
        if (first < Lane::kSegmentPages) return take(s, first, pages, zero);
        rebucket(s);
      }
    }
    if (!own_only) {
      if (const PageId page = core_->arena.alloc_shared(pages, align, zero, *stats_); page != kNoPage) return page;
    }
    const bool huge = core_->config.huge_pages == HugePages::kOn;
    const SegmentId s = core_->arena.acquire(core_->os, id_, huge, *stats_);
    if (s == kNoSegment) return kNoPage;
    ++segments_;
    link(s);
    return take(s, 0, pages, zero);
  }

  PageId take(SegmentId s, unsigned first, unsigned pages, bool& zero) {
    zero = seg(s).take(first, pages);
    if (spare_ == s) spare_ = kNoSegment;
    return Arena<Lane>::first_page(s) + first;
  }

  void release(SegmentId s) {
    unlink(s);
    --segments_;
    core_->arena.release(core_->os, s, now_ms, *stats_);
  }

  void rebucket(SegmentId s) {
    if (seg(s).bucket == std::bit_width(seg(s).longest)) return;
    unlink(s);
    link(s);
  }
  void link(SegmentId s) {
    Seg& g = seg(s);
    g.bucket = static_cast<uint8_t>(std::bit_width(g.longest));
    g.prev = kNoSegment;
    g.next = heads_[g.bucket];
    if (g.next != kNoSegment) seg(g.next).prev = s;
    heads_[g.bucket] = s;
  }
  void unlink(SegmentId s) {
    Seg& g = seg(s);
    (g.prev == kNoSegment ? heads_[g.bucket] : seg(g.prev).next) = g.next;
    if (g.next != kNoSegment) seg(g.next).prev = g.prev;
  }

  Core<Lane>* core_;
  Stats<Sync>* stats_;
  uint32_t id_;
  uint32_t segments_;
  uint32_t held_;  // runs handed out
  SegmentId spare_;
  SegmentId heads_[kBuckets];
};

}  // namespace masu
