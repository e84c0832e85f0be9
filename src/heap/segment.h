// A segment: kSegmentPages pages, cut into runs. Only the lease holder of its owner touches it.
//   free(page): in no run.  dirty(page): may hold old bytes (clear: reads as zero).
//   free_pages = number of free bits;  longest >= length of every run of free pages (a bound, not the value).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bits.h"

namespace masu {

using SegmentId = uint32_t;
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
  BitString<kPages> free, dirty;
  uint64_t freed_ms;    // when a dirty run last became free
  SegmentId next, prev; // in the owner's bucket, or the arena's list
  uint32_t owner;
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
    if (align == 1 && count <= 64 && kPages % 64 == 0) return find_short(count);
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

  // The same by shifts: bit i of `runs` says that pages i..i+len-1 are free.
  unsigned find_short(unsigned count) {
    for (unsigned i = 0; i < kPages / 64; ++i) {
      if (free.word[i] == 0) continue;
      const uint64_t after = i + 1 < kPages / 64 ? free.word[i + 1] : 0;
      unsigned __int128 runs = static_cast<unsigned __int128>(after) << 64 | free.word[i];
      for (unsigned len = 1; len < count;) {
        const unsigned step = min_of(len, count - len);
        runs &= runs >> step;
        len += step;
      }
      if (const auto here = static_cast<uint64_t>(runs); here != 0) {
        return i * 64 + static_cast<unsigned>(std::countr_zero(here));
      }
    }
    longest = static_cast<uint16_t>(min_of<unsigned>(longest, count - 1));
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
};

}  // namespace masu
