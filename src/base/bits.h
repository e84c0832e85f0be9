// Arithmetic on sizes, addresses and bit strings. Pure functions, any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/attributes.h"

namespace masu {

constexpr size_t kKiB = 1024;
constexpr size_t kMiB = 1024 * kKiB;
constexpr size_t kGiB = 1024 * kMiB;

// The unit of the page tables; the machine's own page may be larger.
constexpr unsigned kPageShift = 12;
constexpr size_t kPage = size_t{1} << kPageShift;

// Every block starts on a granule; one bit per granule says "a live block starts here".
constexpr unsigned kGranuleShift = 4;
constexpr size_t kGranule = size_t{1} << kGranuleShift;
constexpr size_t kGranulesPerPage = kPage / kGranule;

constexpr bool is_pow2(size_t x) { return x != 0 && (x & (x - 1)) == 0; }
constexpr size_t align_up(size_t x, size_t align) { return (x + align - 1) & ~(align - 1); }
constexpr size_t align_down(size_t x, size_t align) { return x & ~(align - 1); }
constexpr size_t div_up(size_t x, size_t by) { return (x + by - 1) / by; }
template <class T>
constexpr T min_of(T a, T b) { return a < b ? a : b; }
template <class T>
constexpr T max_of(T a, T b) { return a > b ? a : b; }

// A fixed string of kBits bits with searches for runs; kBits is a multiple of 64 or below it.
template <unsigned kBits>
struct BitString {
  static constexpr unsigned kWords = (kBits + 63) / 64;
  uint64_t word[kWords];

  bool test(unsigned i) const { return (word[i / 64] >> (i % 64)) & 1; }

  void assign(unsigned first, unsigned count, bool value) {
    for (unsigned i = first, end = first + count; i < end;) {
      const unsigned bit = i % 64;
      const unsigned n = min_of(64 - bit, end - i);
      const uint64_t mask = (n == 64 ? ~uint64_t{0} : ((uint64_t{1} << n) - 1)) << bit;
      word[i / 64] = value ? word[i / 64] | mask : word[i / 64] & ~mask;
      i += n;
    }
  }

  // First index >= from whose bit equals `value`, or kBits.
  unsigned next(unsigned from, bool value) const {
    for (unsigned i = from; i < kBits; i = (i / 64 + 1) * 64) {
      const uint64_t w = (value ? word[i / 64] : ~word[i / 64]) >> (i % 64);
      if (w != 0) return min_of<unsigned>(i + static_cast<unsigned>(std::countr_zero(w)), kBits);
    }
    return kBits;
  }

  bool all(unsigned first, unsigned count, bool value) const {
    return next(first, !value) >= first + count;
  }

  unsigned count() const {
    unsigned n = 0;
    for (uint64_t w : word) n += static_cast<unsigned>(std::popcount(w));
    return n;
  }
};

}  // namespace masu
