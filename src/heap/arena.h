// The arena: one range of addresses, handed out by segments. Any thread; one lock, taken per segment.
//   in_use + kept <= limit  segments have memory; kept ones wait for the next owner, dirty or clean.
// The range is reserved where the machine lets us; under an address-space limit it is only planned and each
// segment is claimed when it is needed, so that the program keeps the rest (a limit set later: see obey_limit).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/attributes.h"
#include "base/bits.h"
#include "heap/lane.h"
#include "heap/page_map.h"
#include "heap/segment.h"
#include "heap/stats.h"

namespace masu {

template <class Lane>
class Arena {
 public:
  using Sync = typename Lane::Sync;
  using Os = typename Lane::Os;
  using Seg = Segment<Lane::kSegmentPages, Lane::kChecked>;
  static constexpr size_t kSegmentBytes = Lane::kSegmentPages * kPage;

  // Once, before any other thread sees it. `limit`: bytes in use at most, 0 for the machine's own.
  bool init(Os& os, size_t limit) {
    const size_t allowed = os.address_space_limit();
    claims_ = allowed != SIZE_MAX;
    size_t wish = claims_ ? allowed : max_of(64 * kGiB, 2 * os.physical_memory());
    if (limit != 0) wish = min_of(wish, align_up(limit, kSegmentBytes) * 2);
    wish = min_of(std::bit_ceil(max_of(wish, Lane::kMinArena)), Lane::kMaxArena);
    for (; wish >= Lane::kMinArena; wish /= 2) {
      if (place(os, wish)) break;
    }
    if (segments_ == nullptr) return false;
    set_limit(limit);
    return true;
  }

  // bytes; 0: all of the range
  void set_limit(size_t limit) {
    Lock guard(lock_);
    limit_ = limit == 0 ? planned_ : static_cast<uint32_t>(min_of<size_t>(planned_, max_of<size_t>(limit / kSegmentBytes, 1)));
  }

  void destroy(Os& os) {
    if (segments_ == nullptr) return;
    if (claims_) {
      for (SegmentId s = 0; s < ever_used(); ++s) {
        if (state_of(s) != kLost && state_of(s) != kReserved) os.unmap(at(s), kSegmentBytes);
      }
    } else {
      os.unmap(at(0), size_t{planned_} * kSegmentBytes);
    }
    if constexpr (Lane::kChecked) {
      for (SegmentId s = 0; s < committed_; ++s) {
        if (segment(s).records != nullptr) os.unmap(segment(s).records, record_bytes(os));
      }
    }
    map_.unmap_all(os);
    os.unmap(segments_, segment_table_bytes_);
    segments_ = nullptr;
  }

  // An address-space limit that was set after the start counts the whole range, used or not. What is not in use is given
  // back then, and from now on segments are claimed; so are tables, should the limit be lifted again. False where there
  // is no limit or where that is so already.
  bool obey_limit(Os& os) {
    Lock guard(lock_);
    const size_t allowed = os.address_space_limit();
    if (claims_ || allowed == SIZE_MAX) return false;
    claims_ = true;
    for (SegmentId s = reserved_.head; s != kNoSegment; s = segment(s).next) os.unmap(at(s), kSegmentBytes);
    os.unmap(at(ever_used()), size_t{planned_ - ever_used()} * kSegmentBytes);
    const size_t keep = align_up(allowed / kSegmentBytes + 1, Lane::kChunkSegments);
    map_.unreserve(os, max_of<size_t>(committed_, min_of<size_t>(keep, planned_)) * Lane::kSegmentPages);
    return true;
  }

  // A segment for `owner`, all pages free, of huge pages if it may; kNoSegment where the limit or the system says no.
  SegmentId acquire(Os& os, uint32_t owner, bool huge, Stats<Sync>& stats) {
    Lock guard(lock_);
    stats.count(Event::kArenaLock);
    SegmentId s = pop(dirty_);
    if (s == kNoSegment) s = pop(clean_);
    if (s != kNoSegment) {
      --kept_;
    } else if (in_use_ < limit_) {
      s = fresh(os);
      if (s != kNoSegment) stats.count(Event::kSegmentCommit);
    }
    if (s == kNoSegment) return s;
    ++in_use_;
    stats.count(Event::kSegmentAcquire);
    segment(s).open_for(owner);
    if (huge && !segment(s).huge) {
      os.huge(at(s), kSegmentBytes);
      segment(s).huge = true;
    }
    set_state(s, kInUse);
    map_.set_tags(first_page(s), Lane::kSegmentPages, kTagFree);
    return s;
  }

  // An empty segment comes back. Its pages keep their contents until they decay: while the heap is watched they surely do, so
  // that as many stay as come; else only some.
  void release(Os& os, SegmentId s, uint64_t now_ms, Stats<Sync>& stats) {
    Lock guard(lock_);
    stats.count(Event::kArenaLock);
    stats.count(Event::kSegmentRelease);
    retire(s, now_ms);
    if (!map_.watched() && dirty_.count > Lane::kKeepSegments + in_use_ / 4) purge_one(os, stats);
  }

  // Whether anything came back since the last call: an escape that failed need not be tried again before.
  bool freed_since() {
    Lock guard(lock_);
    const bool freed = free_since_;
    free_since_ = false;
    return freed;
  }

  // A heap that shrank is watched: every free goes its slow way and looks at the clock, so that what came back decays even
  // where the program does from then on only what its threads' caches serve.
  void set_watched(bool on) {
    Lock guard(lock_);
    map_.set_watched(on);
  }

  // Purges kept segments that were released before `deadline_ms`.
  void decay(Os& os, uint64_t deadline_ms, Stats<Sync>& stats) {
    if (!lock_.try_lock()) return;  // someone is at it; the next tick will do
    while (dirty_.tail != kNoSegment && segment(dirty_.tail).freed_ms <= deadline_ms) {
      if (!purge_one(os, stats)) break;
    }
    lock_.unlock();
  }

  // Gives every kept segment back to the system, address range aside. Returns bytes given back.
  size_t trim(Os& os, Stats<Sync>& stats) {
    Lock guard(lock_);
    while (dirty_.tail != kNoSegment && purge_one(os, stats)) {
    }
    size_t bytes = 0;
    for (SegmentId s = pop(clean_); s != kNoSegment; s = pop(clean_)) {
      if (claims_) {
        os.unmap(at(s), kSegmentBytes);
      } else if (!os.decommit(at(s), kSegmentBytes)) {
        push(clean_, s, kClean);
        break;
      }
      --kept_;
      bytes += kSegmentBytes;
      push(reserved_, s, kReserved);
    }
    return bytes;
  }

  constexpr PageMap<Sync>& map() { return map_; }
  const PageMap<Sync>& map() const { return map_; }
  Seg& segment(SegmentId s) { return segments_[s]; }
  bool is_used(SegmentId s) const { return state_of(s) == kInUse; }
  // Checked lanes: the word of checks.h for a block; null outside the segments that were ever used.
  std::atomic<uint32_t>* record(uintptr_t block) {
    if constexpr (Lane::kChecked) {
      const size_t granule = map_.granule(block);
      if (granule < map_.granules()) {
        auto* records = segment(segment_of(static_cast<PageId>(PageMap<Sync>::page_of_granule(granule)))).records;
        if (records != nullptr) return records + granule % kSegmentGranules;
      }
    }
    return nullptr;
  }
  static SegmentId segment_of(PageId page) { return page / Lane::kSegmentPages; }
  static PageId first_page(SegmentId s) { return s * Lane::kSegmentPages; }
  void* at(SegmentId s) { return reinterpret_cast<void*>(map_.address(first_page(s))); }
  void* at_page(SegmentId s, unsigned page) { return reinterpret_cast<void*>(map_.address(first_page(s) + page)); }
  bool ready() const { return segments_ != nullptr; }
  uint32_t planned() const { return planned_; }
  uint32_t ever_used() const { return bump_.load(std::memory_order_relaxed); }  // relaxed: only ever grows
  uint32_t in_use() {
    Lock guard(lock_);
    return in_use_;
  }
  uint32_t kept() {
    Lock guard(lock_);
    return kept_;
  }
  typename Sync::Mutex& lock() { return lock_; }

  // At rest: counts agree with lists and states.
  bool check() {
    uint32_t in_use = 0;
    for (SegmentId s = 0; s < ever_used(); ++s) in_use += is_used(s);
    return in_use == in_use_ && kept_ == dirty_.count + clean_.count && walk(dirty_) && walk(clean_) && walk(reserved_);
  }

 private:
  enum State : uint8_t { kReserved, kInUse, kDirty, kClean, kLost };
  struct List {
    SegmentId head = kNoSegment, tail = kNoSegment;
    uint32_t count = 0;
  };

  bool place(Os& os, size_t bytes) {
    const size_t pages = bytes / kPage;
    const uint32_t count = static_cast<uint32_t>(bytes / kSegmentBytes);
    const size_t map_bytes = PageMap<Sync>::table_bytes(pages, os.page_size());
    const size_t seg_bytes = align_up(count * (sizeof(Seg) + 1), os.page_size());
    void* tables = os.reserve(map_bytes + seg_bytes, os.page_size());
    if (tables == nullptr) return false;
    const uintptr_t base = claims_ ? plan(os) : reinterpret_cast<uintptr_t>(os.reserve(bytes, kSegmentBytes));
    if (base == 0) {
      os.unmap(tables, map_bytes + seg_bytes);
      return false;
    }
    map_.place(tables, base, pages, os.page_size());
    segment_table_bytes_ = seg_bytes;
    segments_ = reinterpret_cast<Seg*>(static_cast<char*>(tables) + map_bytes);
    states_ = reinterpret_cast<uint8_t*>(segments_ + count);
    planned_ = count;
    return true;
  }

  // Under an address-space limit: a base far below today's mappings, where the kernel will put new ones last.
  uintptr_t plan(Os& os) {
    void* probe = os.reserve(kSegmentBytes, kSegmentBytes);
    if (probe == nullptr) return 0;
    os.unmap(probe, kSegmentBytes);
    const uintptr_t p = reinterpret_cast<uintptr_t>(probe);
    constexpr uintptr_t kFar = uintptr_t{2} << 40;
    return align_down(p > 2 * kFar ? p - kFar : p / 2, kSegmentBytes);
  }

  SegmentId fresh(Os& os) {
    // Claiming fails for want of memory or because somebody else's mapping lies there; a few further places, each
    // twice as far on, tell the two apart.
    const uint32_t tries = claims_ ? kClaimTries : 1;
    uint32_t left = tries;
    for (SegmentId s = reserved_.head; s != kNoSegment && left > 0; s = segment(s).next, --left) {
      if (!give_memory(os, s)) continue;
      unlink(reserved_, s);
      return s;
    }
    if (reserved_.head != kNoSegment && !claims_) return kNoSegment;
    const SegmentId bump = ever_used();
    SegmentId s = bump;
    for (uint32_t i = 0; i < tries && s < planned_; s += 1u << i, ++i) {
      if (!commit_up_to(os, s)) return kNoSegment;
      if (!give_memory(os, s)) continue;
      for (SegmentId lost = bump; lost < s; ++lost) set_state(lost, kLost);
      bump_.store(s + 1, std::memory_order_relaxed);  // relaxed: see ever_used()
      return s;
    }
    return kNoSegment;
  }

  bool give_memory(Os& os, SegmentId s) {
    if (!(claims_ ? os.claim(at(s), kSegmentBytes) : os.commit(at(s), kSegmentBytes))) return false;
    if constexpr (Lane::kChecked) {
      auto& records = segment(s).records;
      if (records == nullptr) records = static_cast<std::atomic<uint32_t>*>(os.map(record_bytes(os), os.page_size()));
      if (records == nullptr) {
        if (claims_) os.unmap(at(s), kSegmentBytes);
        return false;
      }
    }
    segment(s).huge = false;
    segment(s).dirty.assign(0, Lane::kSegmentPages, false);
    return true;
  }

  // The tables of the segments up to `s`, by chunks.
  bool commit_up_to(Os& os, SegmentId s) {
    while (committed_ <= s) {
      const uint32_t count = min_of<uint32_t>(Lane::kChunkSegments, planned_ - committed_);
      if (!map_.commit_pages(os, first_page(committed_), size_t{count} * Lane::kSegmentPages) ||
          !commit_table(os, segments_ + committed_, count * sizeof(Seg)) || !commit_table(os, states_ + committed_, count)) {
        return false;
      }
      committed_ += count;
    }
    return true;
  }
  static bool commit_table(Os& os, void* first, size_t bytes) {
    const uintptr_t begin = align_down(reinterpret_cast<uintptr_t>(first), os.page_size());
    const uintptr_t end = align_up(reinterpret_cast<uintptr_t>(first) + bytes, os.page_size());
    return os.commit(reinterpret_cast<void*>(begin), end - begin);
  }

  // The longest-kept dirty segment becomes a clean one.
  bool purge_one(Os& os, Stats<Sync>& stats) {
    const SegmentId s = dirty_.tail;
    if (!os.purge(at(s), kSegmentBytes)) return false;
    stats.count(Event::kPurge);
    stats.count(Event::kPurgePages, segment(s).dirty.count());
    segment(s).dirty.assign(0, Lane::kSegmentPages, false);
    unlink(dirty_, s);
    push(clean_, s, kClean);
    purge_tables(os, s);
    return true;
  }
  // With the segments that share a page of tags with it, where none of them is in use.
  void purge_tables(Os& os, SegmentId s) {
    const auto unit = static_cast<SegmentId>(max_of<size_t>(PageMap<Sync>::tag_unit(os.page_size()) / Lane::kSegmentPages, 1));
    const SegmentId first = s - s % unit, end = min_of(first + unit, committed_);
    bool alone = true;
    for (SegmentId other = first; other < end; ++other) alone = alone && !is_used(other);
    map_.purge(os, first_page(alone ? first : s), (alone ? end - first : 1) * size_t{Lane::kSegmentPages});
  }

  void retire(SegmentId s, uint64_t now_ms) {
    map_.set_tags(first_page(s), Lane::kSegmentPages, kTagUnmapped);
    segment(s).owner = 0;
    segment(s).freed_ms = now_ms;
    free_since_ = true;
    --in_use_;
    ++kept_;
    push(dirty_, s, kDirty);
  }

  void push(List& list, SegmentId s, State state) {
    Seg& seg = segment(s);
    seg.prev = kNoSegment;
    seg.next = list.head;
    (list.head == kNoSegment ? list.tail : segment(list.head).prev) = s;
    list.head = s;
    ++list.count;
    set_state(s, state);
  }
  void unlink(List& list, SegmentId s) {
    Seg& seg = segment(s);
    (seg.prev == kNoSegment ? list.head : segment(seg.prev).next) = seg.next;
    (seg.next == kNoSegment ? list.tail : segment(seg.next).prev) = seg.prev;
    --list.count;
  }
  SegmentId pop(List& list) {
    const SegmentId s = list.head;
    if (s != kNoSegment) unlink(list, s);
    return s;
  }
  bool walk(const List& list) {
    uint32_t n = 0;
    for (SegmentId s = list.head; s != kNoSegment && n <= list.count; s = segment(s).next) ++n;
    return n == list.count;
  }

  State state_of(SegmentId s) const { return static_cast<State>(states_[s]); }
  void set_state(SegmentId s, State state) { states_[s] = state; }

  static constexpr uint32_t kClaimTries = 12;
  static constexpr size_t kSegmentGranules = Lane::kSegmentPages * kGranulesPerPage;
  static size_t record_bytes(Os& os) { return align_up(kSegmentGranules * sizeof(uint32_t), os.page_size()); }

  PageMap<Sync> map_;
  Seg* segments_ = nullptr;
  uint8_t* states_ = nullptr;
  size_t segment_table_bytes_ = 0;
  typename Sync::Mutex lock_{kRankArena};
  List dirty_, clean_, reserved_;
  typename Sync::template Atomic<uint32_t> bump_{0};  // segments that were ever given memory lie below
  uint32_t planned_ = 0, limit_ = 0, committed_ = 0, in_use_ = 0, kept_ = 0;
  bool claims_ = false;
  bool free_since_ = false;  // pages came back since freed_since() asked
};

}  // namespace masu
