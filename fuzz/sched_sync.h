// The heap's Sync policy over the scheduler: every atomic operation, lock and pause is a yield point.
// The storage is std::atomic and gets the orders that the code names. So under TSan, where fibres change over
// without synchronising, happens-before comes from the code's own orders alone: a release weakened to relaxed
// is a race there, although the schedule itself is sequentially consistent. (weak_atomic.h goes further.)
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "fuzz/scheduler.h"

namespace masu::fuzz {

template <class T>
uint64_t as_word(T value) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<uintptr_t>(value);
  } else {
    return static_cast<uint64_t>(value);
  }
}

template <class T>
class SchedAtomic {
 public:
  using Memory = std::memory_order;

  constexpr SchedAtomic() : value_() {}
  constexpr SchedAtomic(T value) : value_(value) {}

  T load(Memory order, Site site = Site::here()) const {
    at(Access::kLoad, site);
    return noted(value_.load(order));
  }
  void store(T value, Memory order, Site site = Site::here()) {
    at(Access::kStore, site);
    value_.store(noted(value), order);
  }
  T exchange(T value, Memory order, Site site = Site::here()) {
    at(Access::kRmw, site);
    return noted(value_.exchange(value, order));
  }
  bool compare_exchange_strong(T& expected, T desired, Memory success, Memory failure, Site site = Site::here()) {
    at(Access::kCas, site);
    const bool done = value_.compare_exchange_strong(expected, desired, success, failure);
    noted(expected);
    return done;
  }
  // May fail for no reason, as on machines without a compare-and-swap.
  bool compare_exchange_weak(T& expected, T desired, Memory success, Memory failure, Site site = Site::here()) {
    at(Access::kCas, site);
    if (Scheduler::get().choose(2) != 0) {
      expected = noted(value_.load(failure));
      return false;
    }
    const bool done = value_.compare_exchange_strong(expected, desired, success, failure);
    noted(expected);
    return done;
  }
  T fetch_add(T n, Memory order, Site site = Site::here()) {
    at(Access::kRmw, site);
    return noted(value_.fetch_add(n, order));
  }
  T fetch_sub(T n, Memory order, Site site = Site::here()) {
    at(Access::kRmw, site);
    return noted(value_.fetch_sub(n, order));
  }
  T fetch_or(T bits, Memory order, Site site = Site::here()) {
    at(Access::kRmw, site);
    return noted(value_.fetch_or(bits, order));
  }
  T fetch_and(T bits, Memory order, Site site = Site::here()) {
    at(Access::kRmw, site);
    return noted(value_.fetch_and(bits, order));
  }

 private:
  void at(Access access, Site site) const { Scheduler::get().point(access, site, this); }
  static T noted(T value) {
    Scheduler::get().note(as_word(value));
    return value;
  }

  std::atomic<T> value_;
};

// A lock that hands the processor over instead of spinning, and checks its rank: a thread that holds a lock may
// take only one of a higher rank.
template <template <class> class Atomic>
class SchedMutex {
 public:
  template <class Rank>
  constexpr explicit SchedMutex(Rank rank) : rank_(static_cast<uint8_t>(rank)) {}

  void lock(Site site = Site::here()) {
    if (held() >= 1u << rank_) Scheduler::get().stop("a lock taken against its rank");
    // acquire, pairs with unlock(): what the last holder wrote is visible.
    while (state_.exchange(1, std::memory_order_acquire, site) != 0) Scheduler::get().wait(this, site);
    held() |= 1u << rank_;
  }
  bool try_lock(Site site = Site::here()) {
    uint32_t free = 0;
    // acquire, pairs with unlock().
    if (!state_.compare_exchange_strong(free, 1, std::memory_order_acquire, std::memory_order_relaxed, site)) {
      return false;
    }
    held() |= 1u << rank_;
    return true;
  }
  void unlock(Site site = Site::here()) {
    held() &= ~(1u << rank_);
    // release, pairs with lock(): publishes the critical section.
    state_.store(0, std::memory_order_release, site);
    Scheduler::get().wake(this);
  }

 private:
  static uint32_t& held() { return Scheduler::get().ranks_held(); }

  Atomic<uint32_t> state_{0};
  uint8_t rank_;
};

template <template <class> class AtomicOf>
struct SyncOver {
  template <class T>
  using Atomic = AtomicOf<T>;
  using Mutex = SchedMutex<AtomicOf>;

  static bool below(size_t i, const Atomic<size_t>& bound) { return i < bound.load(std::memory_order_relaxed); }
  static void*& self(uint32_t slot) { return Scheduler::get().self(slot); }
  static uint32_t attach() { return Scheduler::get().attach(); }
  static void detach(uint32_t slot) { Scheduler::get().detach(slot); }
  static void arm_exit(void (*)(void*), void*) {}  // the harness calls thread_exit() itself
  // Small, and used again by the next thread in the same seat, as the address of a thread's TLS is.
  static uint64_t thread_id() { return Scheduler::get().thread() + 1; }
  static void pause(Site site = Site::here()) { Scheduler::get().pause(site); }
  static void yield(Site site = Site::here()) { Scheduler::get().pause(site); }
};

using SchedSync = SyncOver<SchedAtomic>;

// Without yield points, for what runs in sequence: the same lock rules at a fraction of the cost.
template <class T>
class PlainAtomic {
 public:
  using Memory = std::memory_order;
  constexpr PlainAtomic() : value_() {}
  constexpr PlainAtomic(T value) : value_(value) {}
  T load(Memory, Site = {}) const { return value_; }
  void store(T value, Memory, Site = {}) { value_ = value; }
  T exchange(T value, Memory, Site = {}) { return std::exchange(value_, value); }
  bool compare_exchange_strong(T& expected, T desired, Memory, Memory, Site = {}) {
    const bool equal = value_ == expected;
    (equal ? value_ : expected) = equal ? desired : value_;
    return equal;
  }
  bool compare_exchange_weak(T& expected, T desired, Memory success, Memory failure) {
    return compare_exchange_strong(expected, desired, success, failure);
  }
  T fetch_add(T n, Memory) { return std::exchange(value_, static_cast<T>(value_ + n)); }
  T fetch_sub(T n, Memory) { return std::exchange(value_, static_cast<T>(value_ - n)); }
  T fetch_or(T bits, Memory) { return std::exchange(value_, static_cast<T>(value_ | bits)); }
  T fetch_and(T bits, Memory) { return std::exchange(value_, static_cast<T>(value_ & bits)); }

 private:
  T value_;
};

using PlainSync = SyncOver<PlainAtomic>;

}  // namespace masu::fuzz
