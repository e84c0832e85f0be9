// Bins: per class an array of block addresses and one word, `top`, that points at the last one.
//   bottom[0] = 0 ends malloc, top[1] = kBinEnd ends free; so neither needs a count:
//   blocks = top - bottom,  bottom[limit + 1] = kBinEnd,  0 <= blocks <= limit <= max.
// Slots above top hold stale addresses, never kBinEnd but at the end. Only the lease holder touches it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/attributes.h"
#include "base/bits.h"
#include "heap/lane.h"
#include "heap/page_map.h"

namespace masu {

constexpr uintptr_t kBinEnd = 1;

template <class Lane>
class Owner;

template <class Lane>
struct ThreadCache {
  uintptr_t* top[Classes<Lane>::kCount];
  size_t own_tag;      // of this owner's pages, class 0; as wide as an index, so that free() need not widen it
  Owner<Lane>* owner;  // null in the unbound cache
};

// The cache of a thread that has none: every bin is empty and full at once, every tag foreign.
template <class Lane>
struct UnboundCache {
  static constexpr uintptr_t kBin[2] = {0, kBinEnd};
  static constexpr ThreadCache<Lane> make() {
    ThreadCache<Lane> c{};
    for (auto& top : c.top) top = const_cast<uintptr_t*>(kBin);
    c.own_tag = ~Tag{0} << kClassBits;
    return c;
  }
  static constexpr ThreadCache<Lane> kCache = make();
};

// The slots behind the words, and each bin's limit.
template <class Lane>
class Bins {
  using C = Classes<Lane>;

 public:
  // Bins of so many blocks at most, one behind the other.
  struct Layout {
    uint16_t most[C::kCount] = {};
    uint32_t first[C::kCount] = {};  // index of a bin's bottom
    uint32_t slots = 0;
    constexpr void add(ClassId c, size_t blocks) {
      most[c] = static_cast<uint16_t>(blocks);
      first[c] = slots;
      slots += most[c] + 2u;
    }
  };
  static constexpr Layout wide() {
    Layout l;
    for (ClassId c = 0; c < C::kCount; ++c) {
      const size_t bytes = C::is_packed(c) ? Lane::kBinBytes : Lane::kRunBinBytes;
      l.add(c, max_of<size_t>(min_of<size_t>(bytes / C::size(c), Lane::kBinMax), C::is_packed(c) ? Lane::kBinMin : 1));
    }
    return l;
  }
  // All bins start here, in a few pages; most of a thread's classes never need more.
  static constexpr Layout narrow() {
    Layout l;
    for (ClassId c = 0; c < C::kCount; ++c) {
      const size_t blocks = min_of<size_t>(Lane::kBinNarrow, Lane::kBinNarrowBytes / C::size(c));
      l.add(c, max_of<size_t>(blocks, C::is_packed(c) ? Lane::kBinNarrow / 2 : 1));
    }
    return l;
  }
  static constexpr Layout kWide = wide(), kNarrow = narrow();

  static constexpr unsigned max(ClassId c) { return kWide.most[c]; }
  // A limit before the bin has shown demand: little, since every thread has it, and none for runs.
  static constexpr unsigned first_limit(ClassId c) {
    if (!C::is_packed(c)) return 0;
    const size_t blocks = min_of<size_t>(Lane::kBinFirst, Lane::kBinFirstBytes / C::size(c));
    return static_cast<unsigned>(max_of<size_t>(min_of<size_t>(max(c), blocks), 1));
  }

  // On zeroed memory, or to empty all bins.
  void init(ThreadCache<Lane>& cache) {
    for (ClassId c = 0; c < C::kCount; ++c) bottom(c)[limit_[c] + 1] = 0;
    bytes_ = wide_ = 0;
    for (ClassId c = 0; c < C::kCount; ++c) {
      limit_[c] = static_cast<uint16_t>(first_limit(c));
      bottom(c)[0] = 0;
      bottom(c)[limit_[c] + 1] = kBinEnd;
      cache.top[c] = bottom(c);
    }
  }

  uintptr_t* bottom(ClassId c) {
    return (wide_ >> c) & 1 ? wide_slots_ + kWide.first[c] : slots_ + kNarrow.first[c];
  }
  unsigned limit(ClassId c) const { return limit_[c]; }
  unsigned blocks(const ThreadCache<Lane>& cache, ClassId c) {
    return static_cast<unsigned>(cache.top[c] - bottom(c));
  }
  bool full(const ThreadCache<Lane>& cache, ClassId c) const { return cache.top[c][1] == kBinEnd; }

  // Twice as many blocks, within the class's bound and `most` bytes for the thread; false where that is reached.
  bool grow(ThreadCache<Lane>& cache, ClassId c, size_t most = Lane::kCacheBytes) {
    const unsigned wider = min_of<unsigned>(max_of(limit_[c] * 2u, 1u), max(c));
    if (wider == limit_[c] || bytes_ + (wider - limit_[c]) * C::size(c) > most) return false;
    set_limit(cache, c, wider);
    return true;
  }
  void shrink(ThreadCache<Lane>& cache, ClassId c) {
    set_limit(cache, c, max_of(limit_[c] / 2u, first_limit(c)));
  }

  // Moves the end: up on demand, down (not below what it holds) to give memory back.
  void set_limit(ThreadCache<Lane>& cache, ClassId c, unsigned limit) {
    limit = max_of(min_of(limit, max(c)), blocks(cache, c));
    if (limit == limit_[c]) return;
    if (limit > kNarrow.most[c] && ((wide_ >> c) & 1) == 0) widen(cache, c);
    bottom(c)[limit_[c] + 1] = 0;
    bytes_ = bytes_ + limit * C::size(c) - limit_[c] * C::size(c);
    limit_[c] = static_cast<uint16_t>(limit);
    bottom(c)[limit + 1] = kBinEnd;
  }

  bool check(const ThreadCache<Lane>& cache) {
    for (ClassId c = 0; c < C::kCount; ++c) {
      const uintptr_t* b = bottom(c);
      if (b[0] != 0 || cache.top[c] < b || cache.top[c] > b + limit_[c] || b[limit_[c] + 1] != kBinEnd) return false;
      for (const uintptr_t* s = b + 1; s <= cache.top[c]; ++s) {
        if (*s == 0 || *s == kBinEnd) return false;
      }
    }
    return true;
  }

 private:
  // A bin that outgrows its narrow slots moves to its own range, and stays until init().
  void widen(ThreadCache<Lane>& cache, ClassId c) {
    const uintptr_t* from = bottom(c);
    const unsigned held = blocks(cache, c);
    bottom(c)[limit_[c] + 1] = 0;
    wide_ |= uint64_t{1} << c;
    for (unsigned i = 0; i <= held; ++i) bottom(c)[i] = from[i];
    cache.top[c] = bottom(c) + held;
  }

  static_assert(C::kCount <= 64);
  static_assert([] {
    for (ClassId c = 0; c < C::kCount; ++c) {
      if (first_limit(c) > kNarrow.most[c]) return false;
    }
    return true;
  }());

  uint64_t wide_;
  uint16_t limit_[C::kCount];
  size_t bytes_;  // that the limits have grown by since init
  uintptr_t slots_[kNarrow.slots];
  uintptr_t wide_slots_[kWide.slots];  // not initialized: most is never touched
};

}  // namespace masu
