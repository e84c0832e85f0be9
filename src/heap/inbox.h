// The one multi-producer single-consumer list: remote frees, transfer between owners, and blocks of an
// absent owner all wait here. push: anyone. drain: the owner's lease holder.
// The consumer takes everything with one exchange and keeps what it cannot use (Owner's spill): nothing is
// ever pushed back and no single node is ever popped, so there is no ABA.
#pragma once

#include <atomic>
#include <cstdint>


namespace masu {

template <class Sync>
class Inbox {
 public:
  // A chain of one or more blocks, linked from head to tail; the tail's link is written here.
  template <class Links>
  void push(const Links& links, uintptr_t head, uintptr_t tail) {
    // relaxed: only a guess, the exchange below decides.
    uintptr_t old = head_.load(std::memory_order_relaxed);
    do {
      links.set(tail, old);
      // release, pairs with drain(): publishes the links and the freer's last writes to the blocks.
    } while (!head_.compare_exchange_weak(old, head, std::memory_order_release, std::memory_order_relaxed));
  }

  // Everything pushed so far, newest chain first; 0 where there is nothing.
  uintptr_t drain() {
    // acquire, pairs with push(): a block's old contents are done with before it is handed out again.
    return head_.exchange(0, std::memory_order_acquire);
  }

  // At rest only: the newest block.
  uintptr_t peek() const { return head_.load(std::memory_order_acquire); }

  // relaxed: a push missed now is seen at the next look.
  bool empty() const { return head_.load(std::memory_order_relaxed) == 0; }

 private:
  typename Sync::template Atomic<uintptr_t> head_{0};
};

}  // namespace masu
