// A segment: kSegmentPages pages, cut into runs. Whoever holds the lock of the pool it is in touches it.
//   free(page): in no run.  dirty(page): may hold old bytes (clear: reads as zero).
//   free_pages = number of free bits;  longest >= length of every run of free pages (a bound, not the value).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bits.h"

namespace masu {

using SegmentId = uint32_t;

// visit(first, pages) for every run of ones.
template <unsigned kPages, class Visit>
void each_run(const BitString<kPages>& bits, Visit&& visit) {
  for (unsigned at = bits.next(0, true), end; at < kPages; at = bits.next(end, true)) {
    end = bits.next(at, false);
    visit(at, end - at);
  }
}
constexpr SegmentId kNoSegment = UINT32_MAX;

// A word a granule, where the lane is checked; see checks.h.
template <bool kRecorded>
struct SegmentRecords {};
template <>
struct SegmentRecords<true> {
  std::atomic<uint32_t>* records;
};

template <unsigned kPages, bool kRecorded = false>
struct Segment : SegmentRecords<kRecorded> {
  using Pages = BitString<kPages>;
  Pages free, dirty;
  uint64_t freed_ms;    // when a dirty run last became free
  SegmentId next, prev; // in the pool's bucket, or the arena's list
  uint32_t owner;       // the private heap whose it is; 0: everyone's
  uint16_t free_pages, longest;
  uint8_t bucket;
  bool purge_pending;   // some page may be free and dirty
  bool huge;            // the system was asked for huge pages

  void open_for(uint32_t new_owner) {
    free.assign(0, kPages, true);
    owner = new_owner;
    free_pages = longest = kPages;
    purge_pending = dirty.next(0, true) < kPages;
  }

  bool empty() const { return free_pages == kPages; }

  // First run of `count` free pages whose first page is a multiple of `align` pages; kPages if none,
  // and then `longest` is brought down when the search proves it too high.
  unsigned find(unsigned count, unsigned align) {
    if (align <= 2 && count <= 64 && kPages % 64 == 0) return find_short(count, align);
    unsigned best = 0;
    for (unsigned at = free.next(0, true); at < kPages;) {
      const unsigned end = free.next(at, false);
      const unsigned start = static_cast<unsigned>(align_up(at, align));
      if (start + count <= end) return start;
      best = max_of(best, end - at);
      at = free.next(end, true);
    }
    longest = static_cast<uint16_t>(best);
    return kPages;
  }

  // The same by shifts: bit i of `runs` says that pages i..i+len-1 are free. `longest` is left alone where it may only be the
  // alignment that fails.
  unsigned find_short(unsigned count, unsigned align) {
    const uint64_t starts = align == 1 ? ~uint64_t{0} : 0x5555'5555'5555'5555;
    for (unsigned i = 0; i < kPages / 64; ++i) {
      if (free.word[i] == 0) continue;
      const uint64_t after = i + 1 < kPages / 64 ? free.word[i + 1] : 0;
      unsigned __int128 runs = static_cast<unsigned __int128>(after) << 64 | free.word[i];
      for (unsigned len = 1; len < count;) {
        const unsigned step = min_of(len, count - len);
        runs &= runs >> step;
        len += step;
      }
      if (const auto here = static_cast<uint64_t>(runs) & starts; here != 0) {
        return i * 64 + static_cast<unsigned>(std::countr_zero(here));
      }
    }
    longest = static_cast<uint16_t>(min_of<unsigned>(longest, count - 2 + align));
    return kPages;
  }

  // Takes the run; true where all of it reads as zero.
  bool take(unsigned first, unsigned count) {
    const bool zero = dirty.all(first, count, false);
    free.assign(first, count, false);
    dirty.assign(first, count, true);
    free_pages = static_cast<uint16_t>(free_pages - count);
    return zero;
  }

  void put(unsigned first, unsigned count) {
    free.assign(first, count, true);
    free_pages = static_cast<uint16_t>(free_pages + count);
    const unsigned end = free.next(first, false);
    unsigned begin = first;
    while (begin > 0 && free.test(begin - 1)) --begin;
    longest = max_of<uint16_t>(longest, static_cast<uint16_t>(end - begin));
    purge_pending = true;
  }

  // Takes free runs from their first to their last dirty page, whole units of pages only, to have them cleaned; false where
  // there are none.
  bool take_dirty(unsigned unit, Pages& taken) {
    taken = {};
    for (unsigned at = free.next(0, true); at < kPages;) {
      const unsigned end = free.next(at, false);
      const unsigned first = static_cast<unsigned>(align_up(min_of(dirty.next(at, true), end), unit));
      unsigned last = end;
      while (last > first && !dirty.test(last - 1)) --last;
      last = static_cast<unsigned>(min_of(align_up(last, unit), align_down(end, unit)));
      if (first < last) taken.assign(first, last - first, true);
      at = free.next(end, true);
    }
    each_run(taken, [&](unsigned first, unsigned pages) {
      free.assign(first, pages, false);
      free_pages = static_cast<uint16_t>(free_pages - pages);
    });
    purge_pending = false;
    return taken.next(0, true) < kPages;
  }
  // They come back, clean but for those that failed.
  void put_back(const Pages& taken, const Pages& failed) {
    const bool freed_meanwhile = purge_pending;
    each_run(taken, [&](unsigned first, unsigned pages) {
      put(first, pages);
      dirty.assign(first, pages, false);
    });
    each_run(failed, [&](unsigned first, unsigned pages) { dirty.assign(first, pages, true); });
    purge_pending = freed_meanwhile || failed.next(0, true) < kPages;
  }
};

}  // namespace masu
