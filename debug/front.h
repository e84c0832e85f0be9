// The 16 bytes of red zone before a block of the arena say again what is asked most, so that free and the checks need
// not fetch the record: that lies elsewhere, the block's own cache line is needed anyway.
//   facts at user - 8:   the block's size, class, family, alignment, whether it is live
//   seal  at user - 16:  a hash of the facts, as they are in life, and of the address
// No byte of either is zero or text. Where the seal is broken, or there is none, the record tells.
// Life ends here first: of two frees of a sealed block, the one that ends it wins.
#pragma once

#include <bit>

#include "debug/block.h"
#include "debug/layout.h"

namespace masu::debug {

class Facts {
 public:
  static constexpr unsigned kSizeBits = 20;

  constexpr explicit Facts(uint64_t word) : word_(word) {}
  // Of a live block.
  static MASU_INLINE Facts of(size_t size, unsigned cls, Family family, unsigned align_log2) {
    const uint64_t far = align_log2 > kGranuleShift ? kFar : 0;
    return Facts(kTopBits | spread(size) | far | kLive | static_cast<uint64_t>(family) << kFamily | uint64_t{cls} << kClass |
                 uint64_t{align_log2} << kAlign);
  }

  uint64_t word() const { return word_; }
  size_t size() const { return gather(word_); }
  unsigned cls() const { return word_ >> kClass & 0x3f; }
  unsigned align_log2() const { return word_ >> kAlign & 0x1f; }
  bool live() const { return (word_ & kLifeMask) == kLive; }
  // Live, and its cell begins just before it.
  bool near() const { return (word_ & (kLifeMask | kFar)) == kLive; }
  bool near(Family f) const { return (word_ & (kLifeMask | kFar | uint64_t{3} << kFamily)) == (kLive | static_cast<uint64_t>(f) << kFamily); }
  bool has_ended() const { return (word_ & kLifeMask) == kEnded; }
  Facts ended() const { return other_life(); }  // of live ones
  Facts other_life() const { return Facts(word_ ^ kLive ^ kEnded); }  // of live ones ended, and the other way round

  // Of a live block's facts. The address counts as far as it lies inside a segment: where the heap lies makes no difference.
  MASU_INLINE uint64_t seal(uintptr_t user) const {
    uint64_t h = (word_ ^ user << 43) * 0x9E3779B97F4A7C15u;
    h ^= h >> 29;
    return h | kTopBits;
  }

 private:
  static constexpr uint64_t kTopBits = 0x8080808080808080u;
  static constexpr unsigned kFamily = 45, kClass = 48, kAlign = 56;
  static constexpr uint64_t kFar = uint64_t{1} << 42, kLifeMask = uint64_t{3} << 43, kLive = uint64_t{1} << 43, kEnded = uint64_t{2} << 43;

  // Seven bits to a byte.
  static MASU_INLINE uint64_t spread(uint64_t x) {
    x += x & ~uint64_t{0x7f};
    return x + (x & ~uint64_t{0x7fff});
  }
  static MASU_INLINE uint64_t gather(uint64_t x) { return (x & 0x7f) | (x >> 1 & 0x3f80) | (x >> 2 & 0x1fc000); }

  uint64_t word_;
};

struct Front {
  std::atomic<uint64_t> seal;
  std::atomic<uint64_t> facts;

  static MASU_INLINE Front& before(uintptr_t user) { return *reinterpret_cast<Front*>(user - sizeof(Front)); }

  // relaxed, all of them: who was handed the block was handed its front; who was not may find anything, and asks the record.
  MASU_INLINE void put(Facts live, uintptr_t user) {
    seal.store(live.seal(user), std::memory_order_relaxed);
    facts.store(live.word(), std::memory_order_relaxed);
  }
  // Whether it is whole: a live block's, an ended one's, or either's.
  MASU_INLINE bool sealed_live(uintptr_t user, Facts& f) const {
    f = Facts(facts.load(std::memory_order_relaxed));
    return seal.load(std::memory_order_relaxed) == f.seal(user);
  }
  MASU_INLINE bool sealed_ended(uintptr_t user, Facts& f) const {
    f = Facts(facts.load(std::memory_order_relaxed));
    return seal.load(std::memory_order_relaxed) == f.other_life().seal(user);
  }
  MASU_INLINE bool sealed(uintptr_t user, Facts& f) const {
    return sealed_live(user, f) || sealed_ended(user, f);
  }
};
static_assert(sizeof(Front) == kFront);

// A block's state by its record, or by its front where that is ahead: ended there and live in the record, its free is under way.
inline State state_of(const Cell& cell) {
  const State state = cell.record->state.load(std::memory_order_acquire);  // acquire: the record as the state's writer left it
  if (state != State::kLive || cell.paged) return state;
  Facts facts(0);
  return Front::before(cell.user).sealed(cell.user, facts) && !facts.live() ? State::kFreeing : State::kLive;
}

}  // namespace masu::debug
