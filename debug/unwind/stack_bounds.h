// How far up from a stack pointer memory may be read. Found by asking the kernel page by page, upwards only,
// so that any stack will do: main, thread, alternate, fibre. What was found is remembered in one word.
// One StackBounds belongs to one thread; its signal handlers may use it too.
#pragma once
#include <atomic>
#include <cstdint>

namespace masu::debug {

// Whether the page of `address` can be read now. One system call, errno preserved, async-signal-safe.
bool page_readable(uintptr_t address);

class StackBounds {
 public:
  static constexpr uintptr_t kPage = 4096;  // a divisor of every page size in use

  struct Range {
    uintptr_t low;
    uintptr_t high;
    bool contains(uintptr_t address) const { return address >= low && address < high; }
  };

  Range known() const {
    // relaxed: written by this thread only.
    const uint64_t word = word_.load(std::memory_order_relaxed);
    const uintptr_t low = (word >> kCountBits) * kPage;
    return {low, low + (word & kMaxCount) * kPage};
  }

  void remember(Range range) {
    uint64_t pages = (range.high - range.low) / kPage;
    if (pages > kMaxCount) pages = kMaxCount;
    word_.store((range.low / kPage) << kCountBits | pages, std::memory_order_relaxed);  // relaxed: as known()
  }

 private:
  static constexpr unsigned kCountBits = 19;
  static constexpr uint64_t kMaxCount = (uint64_t{1} << kCountBits) - 1;

  std::atomic<uint64_t> word_{0};
};

// The readable part of one stack during one walk: from sp upwards, growing as the walk asks for more.
class StackView {
 public:
  StackView(StackBounds& bounds, uintptr_t sp, bool sp_is_live) : bounds_(&bounds) { start(sp, sp_is_live); }

  // All of [sp given at start, end) can be read.
  bool reaches(uintptr_t end) { return end <= high_ || grow(end); }

  uintptr_t high() const { return high_; }

  // Another stack begins here: the one that a signal interrupted.
  void start(uintptr_t sp, bool sp_is_live);

  // Vouches for what was found so far: it was reached through call-frame information, not by guessing.
  void keep();

 private:
  static constexpr uintptr_t kMaxGrowth = uintptr_t{64} << 20;

  bool grow(uintptr_t end);

  StackBounds* bounds_;
  uintptr_t low_ = 0;
  uintptr_t high_ = 0;
  bool grew_ = false;
};

}  // namespace masu::debug
