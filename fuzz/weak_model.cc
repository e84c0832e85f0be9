#include "fuzz/weak_model.h"

#include <algorithm>

namespace masu::fuzz {
namespace {

bool acquires(std::memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst || order == std::memory_order_consume;
}
bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

}  // namespace

WeakModel& WeakModel::get() {
  static WeakModel* const model = new WeakModel;
  return *model;
}

void WeakModel::Clock::join(const Clock& other) {
  for (unsigned t = 0; t < kThreads; ++t) of[t] = std::max(of[t], other.of[t]);
}

// Before every access: notices a new run, and moves the thread's clock on.
void WeakModel::start() {
  if (const uint32_t run = Scheduler::get().run_number(); run != run_) {
    run_ = run;
    used_ = 0;
    for (Clock& clock : now_) clock = {};
    for (Clock& clock : channel_) clock = {};
  }
  thread_ = Scheduler::get().thread();
  ++now_[thread_].of[thread_];
}

WeakModel::Location& WeakModel::find(const void* at, uint64_t memory) {
  auto i = static_cast<uint32_t>((reinterpret_cast<uintptr_t>(at) >> 2) * 0x9e3779b1u) % kLocations;
  while (locations_[i].run == run_ && locations_[i].at != at) i = (i + 1) % kLocations;
  Location& location = locations_[i];
  if (location.run != run_) {
    if (used_ == kLocations / 2) Scheduler::get().stop("too many atomics for the weak model");
    used_at_[used_++] = i;
    location.at = at;
    location.run = run_;
    location.stores = 0;
  }
  if (location.stores == 0) {
    location.stores = 1;
    location.store(0) = {memory, {}, {}, false};
  }
  return location;
}

// The oldest store that the thread may still read.
uint32_t WeakModel::oldest(Location& location, bool seq_cst) {
  const uint32_t end = location.stores, begin = end > kHistory ? end - kHistory : 0;
  for (uint32_t i = end; i-- > begin;) {
    const Store& store = location.store(i);
    if (seq_cst && store.seq_cst) return i;
    for (unsigned u = 0; u < kThreads; ++u) {
      if (store.seen[u] != 0 && store.seen[u] <= now_[thread_].of[u]) return i;
    }
  }
  return begin;
}

uint64_t WeakModel::read(Location& location, uint32_t i, std::memory_order order) {
  Store& store = location.store(i);
  if (store.seen[thread_] == 0) store.seen[thread_] = now_[thread_].of[thread_];
  if (acquires(order)) now_[thread_].join(store.release);
  return store.value;
}

// `sequence`: the release sequence that a read-modify-write continues.
void WeakModel::append(Location& location, uint64_t value, std::memory_order order, const Clock* sequence) {
  Store fresh{value, {}, {}, order == std::memory_order_seq_cst};
  if (releases(order)) fresh.release = now_[thread_];
  if (sequence != nullptr) fresh.release.join(*sequence);
  fresh.seen[thread_] = now_[thread_].of[thread_];
  location.store(location.stores++) = fresh;
}

uint64_t WeakModel::load(const void* at, uint64_t memory, std::memory_order order) {
  start();
  Location& location = find(at, memory);
  const uint32_t newest = location.stores - 1;
  const uint32_t from = oldest(location, order == std::memory_order_seq_cst);
  return read(location, newest - Scheduler::get().choose(newest - from + 1), order);
}

void WeakModel::store(const void* at, uint64_t memory, uint64_t value, std::memory_order order) {
  start();
  append(find(at, memory), value, order, nullptr);
}

uint64_t WeakModel::exchange(const void* at, uint64_t memory, uint64_t value, std::memory_order order) {
  start();
  Location& location = find(at, memory);
  const uint32_t newest = location.stores - 1;
  const uint64_t old = read(location, newest, order);
  const Clock sequence = location.store(newest).release;
  append(location, value, order, &sequence);
  return old;
}

bool WeakModel::compare_exchange(const void* at, uint64_t memory, uint64_t* expected, uint64_t desired, bool weak,
                                 std::memory_order success, std::memory_order failure) {
  start();
  Location& location = find(at, memory);
  const uint32_t newest = location.stores - 1, from = oldest(location, failure == std::memory_order_seq_cst);
  // Ways to go: as the newest value says; to fail on an old one that differs; to fail for no reason.
  uint32_t stale[kHistory];
  unsigned n = 0;
  for (uint32_t i = newest; i-- > from;) {
    if (location.store(i).value != *expected) stale[n++] = i;
  }
  const bool equal = location.store(newest).value == *expected;
  const unsigned way = Scheduler::get().choose(1 + n + (weak && equal ? 1 : 0));
  if (way == 0 && equal) {
    read(location, newest, success);
    const Clock sequence = location.store(newest).release;
    append(location, desired, success, &sequence);
    return true;
  }
  *expected = read(location, way == 0 || way > n ? newest : stale[way - 1], failure);
  return false;
}

void WeakModel::forget(const void* at, size_t bytes) {
  if (run_ != Scheduler::get().run_number()) return;
  for (uint32_t i = 0; i < used_; ++i) {
    Location& location = locations_[used_at_[i]];
    const auto offset = reinterpret_cast<uintptr_t>(location.at) - reinterpret_cast<uintptr_t>(at);
    if (offset < bytes) location.stores = 0;
  }
}

void WeakModel::give(unsigned channel) {
  if (!Scheduler::get().concurrent() || run_ != Scheduler::get().run_number()) return;
  start();
  channel_[channel].join(now_[thread_]);
}

void WeakModel::take(unsigned channel) {
  if (!Scheduler::get().concurrent() || run_ != Scheduler::get().run_number()) return;
  start();
  now_[thread_].join(channel_[channel]);
}

bool WeakModel::access(Plain& plain, bool write) {
  start();
  if (plain.run != run_) plain = {run_, {}, {}};
  const Clock& now = now_[thread_];
  bool ordered = true;
  for (unsigned t = 0; t < kThreads; ++t) {
    ordered = ordered && plain.written[t] <= now.of[t] && (!write || plain.read[t] <= now.of[t]);
  }
  (write ? plain.written : plain.read)[thread_] = now.of[thread_];
  return ordered;
}

}  // namespace masu::fuzz
