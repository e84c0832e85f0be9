// The inbox alone: producers push chains, one consumer drains while they do and hands blocks back to be pushed
// again (so that addresses come back, as ABA wants). A block must come out exactly as often as it went in.
//   Transfer<List>(producers).run(strategy)
// List has push(links, head, tail) and drain(), as masu::Inbox has; the tests plant broken ones.
#pragma once

#include <cstdint>

#include "fuzz/weak_atomic.h"
#include "heap/inbox.h"
#include "heap/link.h"

namespace masu::fuzz {

// A variable for which the weak model alone can tell a race.
template <class T>
struct PlainVar {
  T value;
  T get() const { return value; }
  void set(T next) { value = next; }
};

template <class List>
class Transfer {
 public:
  static constexpr unsigned kBlocks = 4;   // a producer's
  static constexpr unsigned kRounds = 2;   // drains

  explicit Transfer(unsigned producers) : producers_(producers) {
    for (unsigned b = 0; b < producers * kBlocks; ++b) blocks_[b] = Block{};
  }

  Scheduler::Result run(Strategy& strategy) {
    return Scheduler::get().run(
        strategy, producers_ + 1, [](void* self, unsigned t) { static_cast<Transfer*>(self)->body(t); }, this);
  }

 private:
  using Payload = std::conditional_t<std::is_same_v<typename List::Sync, WeakSync>, WeakVar<uint32_t>, PlainVar<uint32_t>>;
  struct alignas(16) Block {
    uintptr_t word[2];  // the link
    Payload payload{0};  // plain: only the list orders it
  };

  void body(unsigned thread) {
    if (thread < producers_) return produce(thread * kBlocks);
    for (unsigned i = 0; i < kRounds; ++i) consume(i == 0);
    // The last one out finds whatever is left.
    done_.fetch_add(1, std::memory_order_relaxed);
    // acquire, pairs with produce(): the counts below are the last ones.
    while (done_.load(std::memory_order_acquire) != producers_ + 1) List::Sync::pause();
    consume(false);
    for (unsigned b = 0; b < producers_ * kBlocks; ++b) {
      if (pushed_[b].load(std::memory_order_relaxed) != drained_[b]) Scheduler::get().stop("a block is lost");
    }
  }

  // A chain of two, a single block, and, where the consumer has handed one back, that one again.
  void produce(unsigned first) {
    link(first, first + 1);
    push(first, first + 1);
    push(first + 2, first + 2);
    if (const uintptr_t again = back_.exchange(0, std::memory_order_acquire); again != 0) {
      const auto b = static_cast<unsigned>(again - 1);
      push(b, b);
    }
    done_.fetch_add(1, std::memory_order_release);
  }

  void consume(bool hand_back) {
    uintptr_t at = list_.drain();
    for (unsigned n = 0; at != 0; ++n) {
      const uintptr_t base = reinterpret_cast<uintptr_t>(blocks_);
      const auto b = static_cast<unsigned>((at - base) / sizeof(Block));
      if (at < base || b >= producers_ * kBlocks || (at - base) % sizeof(Block) != 0) {
        Scheduler::get().stop("a link leads nowhere");
      }
      if (n > producers_ * kBlocks) Scheduler::get().stop("the chain has no end");
      if (++drained_[b] > pushed_[b].load(std::memory_order_relaxed)) Scheduler::get().stop("a block came out twice");
      if (blocks_[b].payload.get() != drained_[b]) Scheduler::get().stop("a block came out before it was written");
      at = links_.get(at);
      if (hand_back) {
        back_.store(b + 1, std::memory_order_release);
        hand_back = false;
      }
    }
  }

  uintptr_t address(unsigned b) { return reinterpret_cast<uintptr_t>(&blocks_[b]); }
  void link(unsigned from, unsigned to) { links_.set(address(from), address(to)); }
  void push(unsigned head, unsigned tail) {
    for (unsigned b = head; b <= tail; ++b) {
      blocks_[b].payload.set(pushed_[b].fetch_add(1, std::memory_order_relaxed) + 1);
    }
    list_.push(links_, address(head), address(tail));
  }

  static constexpr unsigned kAll = (kMaxThreads - 1) * kBlocks;
  unsigned producers_;
  LinkCodec links_{0x1234567890abcdefu};
  List list_;
  typename List::Sync::template Atomic<uintptr_t> back_{0};
  typename List::Sync::template Atomic<uint32_t> done_{0};
  typename List::Sync::template Atomic<uint32_t> pushed_[kAll] = {};
  uint32_t drained_[kAll] = {};
  static inline Block blocks_[kAll];
};

template <class S>
struct InboxList : Inbox<S> {
  using Sync = S;
};

}  // namespace masu::fuzz
