// What a lane's Sync policy supplies: atomics, locks, thread identity, waiting. The heap uses nothing else,
// so that scheduled fibres can stand in for threads.
//   self(slot) is this thread's word for the heap that holds `slot`; it starts as null.
//   below(i, bound): i < bound, by a relaxed load.
//   arm_exit(fn, heap) has fn(heap) called when this thread ends (a fibre's scheduler calls it itself).
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace masu {

// A thread that holds a lock may only take one of a higher rank.
enum LockRank : uint8_t { kRankRegistry = 1, kRankLarge = 2, kRankRuns = 3, kRankArena = 4 };

template <class S>
concept SyncPolicy = requires(uint32_t slot, typename S::Mutex& m, typename S::template Atomic<uintptr_t>& a,
                              const typename S::template Atomic<size_t>& bound) {
  { S::self(slot) } -> std::same_as<void*&>;
  { S::below(size_t{}, bound) } -> std::same_as<bool>;
  { S::attach() } -> std::same_as<uint32_t>;
  { S::thread_id() } -> std::convertible_to<uint64_t>;
  S::detach(slot);
  S::arm_exit(static_cast<void (*)(void*)>(nullptr), static_cast<void*>(nullptr));
  S::pause();
  S::yield();
  m.lock();
  m.unlock();
  { m.try_lock() } -> std::same_as<bool>;
  { a.load(std::memory_order_acquire) } -> std::same_as<uintptr_t>;
};

template <class Mutex>
class [[nodiscard]] Lock {
 public:
  explicit Lock(Mutex& m) : m_(m) { m_.lock(); }
  ~Lock() { m_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& m_;
};

}  // namespace masu
