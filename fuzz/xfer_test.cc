// The inbox under every schedule with at most three preemptions, and broken lists that this must catch.
#include "fuzz/xfer.h"

#include <gtest/gtest.h>

#include "fuzz/explore.h"

namespace masu::fuzz {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;

struct ListBase {
  using Sync = SchedSync;
  SchedAtomic<uintptr_t> head{0};
  uintptr_t drain() { return head.exchange(0, kAcquire); }
};

// The tail keeps the link it got before the CAS failed: what others pushed meanwhile is lost.
struct LostTail : ListBase {
  void push(const LinkCodec& links, uintptr_t first, uintptr_t tail) {
    uintptr_t old = head.load(kRelaxed);
    links.set(tail, old);
    while (!head.compare_exchange_weak(old, first, kRelease, kRelaxed)) {
    }
  }
};

struct StorePush : ListBase {
  void push(const LinkCodec& links, uintptr_t first, uintptr_t tail) {
    links.set(tail, head.load(kRelaxed));
    head.store(first, kRelease);
  }
};

struct LoadStoreDrain : ListBase {
  void push(const LinkCodec& links, uintptr_t first, uintptr_t tail) {
    uintptr_t old = head.load(kRelaxed);
    do links.set(tail, old);
    while (!head.compare_exchange_weak(old, first, kRelease, kRelaxed));
  }
  uintptr_t drain() {
    const uintptr_t all = head.load(kAcquire);
    head.store(0, kRelaxed);
    return all;
  }
};

template <class List>
ExploreResult explore_list(unsigned producers, unsigned preemptions, bool all = false) {
  return explore(
      preemptions,
      [&](Strategy& strategy) {
        Transfer<List> transfer(producers);
        return transfer.run(strategy);
      },
      !all, 1);
}

TEST(Xfer, TheInboxLosesAndDoublesNothingBetweenTwoThreads) {
  const auto result = explore_list<InboxList<SchedSync>>(1, 3);
  EXPECT_EQ(result.failures, 0u) << result.reason;
  EXPECT_GT(result.runs, 1000u);
}

TEST(Xfer, TheInboxLosesAndDoublesNothingAmongThreeThreads) {
  const auto result = explore_list<InboxList<SchedSync>>(2, 3);
  EXPECT_EQ(result.failures, 0u) << result.reason;
  EXPECT_GT(result.runs, 10000u);
}

TEST(Xfer, CatchesATailThatKeepsAnOldLink) {
  EXPECT_EQ(explore_list<LostTail>(2, 0).failures, 0u) << "needs a preemption";
  const auto result = explore_list<LostTail>(2, 3);
  EXPECT_EQ(result.failures, 1u);
  EXPECT_EQ(result.preemptions, 1u);
}

TEST(Xfer, CatchesAPushByLoadAndStore) {
  const auto result = explore_list<StorePush>(1, 3);
  EXPECT_EQ(result.failures, 1u);
  EXPECT_EQ(result.preemptions, 1u);
}

TEST(Xfer, CatchesADrainByLoadAndStore) {
  const auto result = explore_list<LoadStoreDrain>(1, 3);
  EXPECT_EQ(result.failures, 1u);
  EXPECT_EQ(result.preemptions, 1u);
  EXPECT_EQ(result.reason, "a block is lost");
}

// What the heap's order says; and the same list with the order gone from either side.
template <std::memory_order kPush, std::memory_order kDrain>
struct OrderedList {
  using Sync = WeakSync;
  WeakAtomic<uintptr_t> head{0};
  void push(const LinkCodec& links, uintptr_t first, uintptr_t tail) {
    uintptr_t old = head.load(kRelaxed);
    do links.set(tail, old);
    while (!head.compare_exchange_weak(old, first, kPush, kRelaxed));
  }
  uintptr_t drain() { return head.exchange(0, kDrain); }
};

TEST(Xfer, TheInboxOrdersWhatItCarries) {
  const auto result = explore_list<InboxList<WeakSync>>(1, 2);
  EXPECT_EQ(result.failures, 0u) << result.reason;
  EXPECT_GT(result.runs, 1000u);
}

TEST(Xfer, CatchesAPushOrADrainWithoutOrder) {
  EXPECT_EQ((explore_list<OrderedList<kRelease, kAcquire>>(1, 1).failures), 0u);
  EXPECT_EQ((explore_list<OrderedList<kRelaxed, kAcquire>>(1, 1).failures), 1u);
  EXPECT_EQ((explore_list<OrderedList<kRelease, kRelaxed>>(1, 1).failures), 1u);
}

// Two consumers that pop single nodes: the address that comes back is taken for the same list (ABA).
struct SingleNodePop {
  SchedAtomic<uintptr_t> head{0};
  LinkCodec links{7};
  struct alignas(16) Node {
    uintptr_t word[2];
  };
  static inline Node nodes[3];
  SchedAtomic<uint32_t> holders[3] = {};

  uintptr_t address(unsigned i) { return reinterpret_cast<uintptr_t>(&nodes[i]); }
  void push(uintptr_t node) {
    uintptr_t old = head.load(kRelaxed);
    do links.set(node, old);
    while (!head.compare_exchange_strong(old, node, kRelease, kRelaxed));
  }
  uintptr_t pop() {
    uintptr_t old = head.load(kAcquire);
    while (old != 0 && !head.compare_exchange_strong(old, links.get(old), kAcquire, kAcquire)) {
    }
    if (old != 0 && holders[(old - address(0)) / sizeof(Node)].fetch_add(1, kRelaxed) != 0) {
      Scheduler::get().stop("one node, two holders");
    }
    return old;
  }
  void give_back(uintptr_t node) {
    holders[(node - address(0)) / sizeof(Node)].fetch_sub(1, kRelaxed);
    push(node);
  }
  void body(unsigned thread) {
    const uintptr_t a = pop();
    if (thread == 0) {
      pop();
      return;
    }
    pop();
    if (a != 0) give_back(a);
  }
};

TEST(Xfer, CatchesThePopOfASingleNode) {
  auto run = [](Strategy& strategy) {
    SingleNodePop kernel;
    for (unsigned i = 3; i-- > 0;) kernel.push(kernel.address(i));
    return Scheduler::get().run(
        strategy, 2, [](void* k, unsigned t) { static_cast<SingleNodePop*>(k)->body(t); }, &kernel);
  };
  const auto result = explore(3, run);
  EXPECT_EQ(result.failures, 1u);
  EXPECT_EQ(result.reason, "one node, two holders");
  EXPECT_EQ(result.preemptions, 1u);
}

// Known count: three yield points cut a thread into four parts, and two such threads have C(8, 4) interleavings.
TEST(Explore, VisitsEveryScheduleOnce) {
  for (const auto& [bound, runs] : {std::pair{0u, 2u}, {1u, 8u}, {9u, 70u}}) {
    const auto result = explore(
        bound,
        [](Strategy& strategy) {
          static SchedAtomic<int> n{0};
          return Scheduler::get().run(strategy, 2, [](void*, unsigned) { for (int i = 0; i < 3; ++i) n.load(kRelaxed); }, nullptr);
        },
        false);
    EXPECT_EQ(result.runs, runs) << "bound " << bound;
  }
}

}  // namespace
}  // namespace masu::fuzz
