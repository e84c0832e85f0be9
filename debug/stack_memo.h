// A thread's recent stacks: where the registers of a new one and every word that the walk of an old one read are
// the same, so is the stack, and neither walk nor depot is asked. Loops make nearly all stacks such ones. Of the words
// only a sum is kept, each times a factor of its own, so that an entry is three cache lines: no single change and,
// but for one in 2^64, no other leaves it the same.
// Places whose stacks keep changing (recursion) can be sampled: then one stack in some is walked, of the others little.
// Belongs to one thread; a signal handler that interrupts a look finds it busy.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/attributes.h"
#include "base/bits.h"
#include "debug/unwind/frame.h"
#include "debug/unwind/stack_word.h"
#include "debug/unwind/unwinder.h"
#include "debug/unwind/walk_memo.h"

namespace masu::debug {

class StackMemo {
 public:
  static constexpr size_t kMaxFrames = 64;

  // The id of the stack at `from`; `walk(frames, count)` gives the id and count of one that is not known. With
  // `sampled`, the id may be what `glance(frames)` gives instead.
  template <class Walk, class Glance>
  MASU_INLINE uint32_t find(Frame from, const Unwinder& unwinder, const WalkMemo& memo, bool sampled, Walk&& walk,
                            Glance&& glance) {
    uintptr_t frames[kMaxFrames];
    size_t count = 0;
    // relaxed: only this thread and its handlers look, and a handler that runs in between leaves it as it was.
    if (MASU_UNLIKELY(busy_.load(std::memory_order_relaxed))) return walk(frames, count);
    busy_.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    Entry& entry = entries_[slot(from)];
    const uint32_t generation = static_cast<uint32_t>(unwinder.generation());
    uint32_t id = entry.id;
    if (MASU_UNLIKELY(!same(entry, from, generation))) {
      if (sampled && passes_over(from.pc)) {
        id = glance(frames);
      } else {
        id = walk(frames, count);
        entry.id = remember(entry, from, unwinder, memo, frames, count) ? id : 0;
        entry.generation = generation;
      }
    }
    std::atomic_signal_fence(std::memory_order_seq_cst);
    busy_.store(false, std::memory_order_relaxed);  // relaxed: as above
    return id;
  }

  // For `glance` above, whose few frames come again and again: `put()` gives the id of those not met lately.
  template <class Put>
  uint32_t glanced(const uintptr_t* frames, size_t count, Put&& put) {
    uint64_t key = count;
    for (size_t i = 0; i < count; ++i) key += frames[i] * kFactor[i];
    Glance& known = glances_[(key >> 40) % kGlances];
    if (MASU_UNLIKELY(known.key != key || known.id == 0)) known = {key, put()};
    return known.id;
  }

 private:
  static constexpr size_t kEntries = 256;
  static constexpr size_t kGlances = 2048;
  static constexpr unsigned kWords = 45;
  static constexpr size_t kPlaces = 2048;
  static constexpr uint16_t kWhole = 64, kOneIn = 16;
  struct Entry {
    uintptr_t pc, sp, fp, fp_mask;
    uint64_t sum;
    uint32_t generation;
    uint32_t id;              // 0: empty
    uint16_t count;
    uint16_t place[kWords];   // words above sp
  };
  static constexpr size_t kReach = size_t{UINT16_MAX} * sizeof(uintptr_t);
  static constexpr auto kFactor = [] {
    std::array<uint64_t, kWords> factor{};
    uint64_t x = 0;
    for (uint64_t& f : factor) {
      x += 0x9E3779B97F4A7C15u;
      f = (x ^ x >> 31) * 0xBF58476D1CE4E5B9u | 1;
    }
    return factor;
  }();

  struct Glance {
    uint64_t key;
    uint32_t id;
  };

  // Of a place's unknown stacks the first ones count, and then one in kOneIn. Places may share a count.
  bool passes_over(uintptr_t pc) {
    uint16_t& unknown = unknown_[(pc * 0x9E3779B97F4A7C15u >> 40) % kPlaces];
    if (unknown < kWhole) {
      ++unknown;
      return false;
    }
    unknown = unknown == kWhole + kOneIn - 1 ? kWhole : static_cast<uint16_t>(unknown + 1);
    return unknown != kWhole;
  }

  static size_t slot(Frame f) { return ((f.pc ^ f.sp * 5) * 0x9E3779B97F4A7C15u >> 40) % kEntries; }

  static MASU_INLINE bool same(const Entry& e, Frame from, uint32_t generation) {
    if (e.pc != from.pc || e.sp != from.sp || e.generation != generation) return false;
    uintptr_t different = (e.id == 0) | ((e.fp ^ from.fp) & e.fp_mask);
    uint64_t sum = 0;
    for (unsigned i = 0; i < e.count; ++i) sum += stack_word(from.sp + e.place[i] * sizeof(uintptr_t)) * kFactor[i];
    return (different | (sum ^ e.sum)) == 0;
  }

  // A frame pointer on the way counts only where a frame outside of it used it: else it is any register.
  static MASU_NOINLINE bool remember(Entry& e, Frame from, const Unwinder& unwinder, const WalkMemo& memo,
                                     const uintptr_t* frames, size_t count) {
    bool needed[kMaxFrames + 1];
    needed[count] = false;
    for (size_t i = count; i-- > 0;) {
      const Unwinder::FpUse use = i + 1 == count ? Unwinder::FpUse::kReplaced : unwinder.fp_use(frames[i]);
      needed[i] = use == Unwinder::FpUse::kUsed || (use == Unwinder::FpUse::kPassedOn && needed[i + 1]);
    }
    unsigned n = 0;
    bool near = true;
    e.sum = 0;
    const bool whole = memo.each_word(count, [&](size_t i, uintptr_t place, uintptr_t value, bool is_fp) {
      if (is_fp && !needed[i + 1]) return;
      near = near && place - from.sp <= kReach;
      if (n < kWords) {
        e.place[n] = static_cast<uint16_t>((place - from.sp) / sizeof(uintptr_t));
        e.sum += value * kFactor[n];
      }
      ++n;
    });
    e.pc = from.pc;
    e.sp = from.sp;
    e.fp = from.fp;
    e.fp_mask = needed[0] ? ~uintptr_t{0} : 0;
    e.count = static_cast<uint16_t>(min_of(n, kWords));
    return whole && near && n <= kWords;
  }

  std::atomic<bool> busy_{false};
  uint16_t unknown_[kPlaces] = {};
  Glance glances_[kGlances] = {};
  Entry entries_[kEntries];
};

}  // namespace masu::debug
