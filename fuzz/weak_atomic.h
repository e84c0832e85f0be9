// Atomics under the weak model, and the Sync policy made of them. Same size as the real ones.
// WeakVar is a plain variable whose races stop the run.
#pragma once

#include "fuzz/sched_sync.h"
#include "fuzz/weak_model.h"

namespace masu::fuzz {

template <class T>
class WeakAtomic {
 public:
  using Memory = std::memory_order;

  constexpr WeakAtomic() : value_() {}
  constexpr WeakAtomic(T value) : value_(value) {
    if (!std::is_constant_evaluated()) WeakModel::get().forget(this, sizeof *this);
  }

  T load(Memory order, Site site = Site::here()) const {
    if (!at(Access::kLoad, site)) return value_;
    return noted(from_word(model().load(this, as_word(value_), order)));
  }
  void store(T value, Memory order, Site site = Site::here()) {
    if (at(Access::kStore, site)) model().store(this, as_word(value_), as_word(value), order);
    value_ = noted(value);
  }
  T exchange(T value, Memory order, Site site = Site::here()) {
    return modify(order, site, [value](T) { return value; });
  }
  T fetch_add(T n, Memory order, Site site = Site::here()) {
    return modify(order, site, [n](T old) { return static_cast<T>(old + n); });
  }
  T fetch_sub(T n, Memory order, Site site = Site::here()) {
    return modify(order, site, [n](T old) { return static_cast<T>(old - n); });
  }
  T fetch_or(T bits, Memory order, Site site = Site::here()) {
    return modify(order, site, [bits](T old) { return static_cast<T>(old | bits); });
  }
  T fetch_and(T bits, Memory order, Site site = Site::here()) {
    return modify(order, site, [bits](T old) { return static_cast<T>(old & bits); });
  }
  bool compare_exchange_strong(T& expected, T desired, Memory success, Memory failure, Site site = Site::here()) {
    return compare_exchange(expected, desired, false, success, failure, site);
  }
  bool compare_exchange_weak(T& expected, T desired, Memory success, Memory failure, Site site = Site::here()) {
    return compare_exchange(expected, desired, true, success, failure, site);
  }

 private:
  static WeakModel& model() { return WeakModel::get(); }
  static T from_word(uint64_t word) {
    if constexpr (std::is_pointer_v<T>) {
      return reinterpret_cast<T>(static_cast<uintptr_t>(word));
    } else {
      return static_cast<T>(word);
    }
  }
  static T noted(T value) {
    Scheduler::get().note(as_word(value));
    return value;
  }
  // Whether there is anybody to differ with; where not, the value in memory is all there is.
  bool at(Access access, Site site) const {
    Scheduler::get().point(access, site, this);
    return Scheduler::get().concurrent();
  }

  template <class Change>
  T modify(Memory order, Site site, Change&& change) {
    const bool weak = at(Access::kRmw, site);
    const T old = value_, fresh = change(old);
    if (weak) model().exchange(this, as_word(old), as_word(fresh), order);
    value_ = fresh;
    return noted(old);
  }

  bool compare_exchange(T& expected, T desired, bool weak, Memory success, Memory failure, Site site) {
    uint64_t seen = as_word(expected);
    bool done = value_ == expected;
    if (at(Access::kCas, site)) {
      done = model().compare_exchange(this, as_word(value_), &seen, as_word(desired), weak, success, failure);
      expected = done ? expected : from_word(seen);
    } else if (!done) {
      expected = value_;
    }
    if (done) value_ = desired;
    noted(expected);
    return done;
  }

  T value_;
};

using WeakSync = SyncOver<WeakAtomic>;

template <class T>
class WeakVar {
 public:
  explicit WeakVar(T value) : value_(value) {}
  T get() {
    check(false);
    return value_;
  }
  void set(T value) {
    check(true);
    value_ = value;
  }

 private:
  void check(bool write) {
    if (Scheduler::get().concurrent() && !WeakModel::get().access(plain_, write)) {
      Scheduler::get().stop("a data race");
    }
  }
  T value_;
  WeakModel::Plain plain_;
};

}  // namespace masu::fuzz
