// Sync for real threads: std::atomic, a futex lock, one initial-exec TLS pointer.
// The TLS pointer is defined by the file that owns the heap (src/api); a process has one such heap.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/attributes.h"
#include "os/linux.h"
#include "sync/sync.h"

namespace masu {

extern thread_local constinit void* tls_self MASU_HIDDEN __attribute__((tls_model("initial-exec")));

// Three-state futex lock: 0 free, 1 held, 2 held with waiters. A waiter sleeps; nobody spins for long.
class FutexMutex {
 public:
  constexpr explicit FutexMutex(LockRank) {}

  bool try_lock() {
    uint32_t free = 0;
    // acquire, pairs with unlock(): what the last holder wrote is visible.
    return state_.compare_exchange_strong(free, 1, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void lock() {
    for (unsigned i = 0; i < 40; ++i) {
      if (try_lock()) return;
      linux_pause();
    }
    // acquire, pairs with unlock(); 2 tells the holder to wake us.
    while (state_.exchange(2, std::memory_order_acquire) != 0) linux_futex_wait(&state_, 2);
  }
  void unlock() {
    // release, pairs with lock(): publishes the critical section.
    if (state_.exchange(0, std::memory_order_release) == 2) linux_futex_wake(&state_);
  }

 private:
  std::atomic<uint32_t> state_{0};
};

struct RealSync {
  template <class T>
  using Atomic = std::atomic<T>;
  using Mutex = FutexMutex;

  static MASU_INLINE bool below(size_t i, const Atomic<size_t>& bound) {
    return masu_below(i, reinterpret_cast<const unsigned long*>(&bound));
  }
  static MASU_INLINE void*& self(uint32_t) { return tls_self; }
  static uint32_t attach() { return 0; }
  static void detach(uint32_t) {}
  static void arm_exit(void (*hook)(void*), void* heap);
  static uint64_t thread_id() { return linux_thread_id(); }
  static void pause() { linux_pause(); }
  static void yield() { linux_yield(); }
};

}  // namespace masu
