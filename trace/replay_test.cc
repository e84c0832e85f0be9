// Plain counters: the race detector sees whether one thread's operation really comes before the next one's.
#include "trace/replay.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace masu::trace {
namespace {

// Threads that work on common blocks, ten alive at a time.
Trace shared_trace(unsigned threads, unsigned operations) {
  Builder builder(threads * operations + 10);
  std::mt19937 random(1);
  std::vector<bool> live(20);
  for (unsigned i = 0; i < threads * operations; ++i) {
    const unsigned block = random() % 20;
    builder.append(i / (10 * operations) * 10 + random() % 10, live[block] ? Kind::kFree : Kind::kMalloc, block, 8);
    live[block] = !live[block];
  }
  return builder.finish();
}

struct Counts {
  const Trace& trace;
  std::vector<uint32_t>& of_block;
  std::vector<uint32_t>& of_thread;  // the operation that comes next
  uint32_t& all;
  bool in_order;

  void operator()(const Operation& op, uint32_t index, uint32_t thread) const {
    EXPECT_EQ(op.turn, of_block[op.block]++);
    EXPECT_EQ(index, of_thread[thread]);
    of_thread[thread] = op.next;
    if (in_order) {
      EXPECT_EQ(index, all++);
    }
  }
};

void replay_twice(Order order) {
  const Trace trace = shared_trace(30, 100);
  ASSERT_EQ(trace.threads, 30u);
  uint32_t all = 0;
  std::vector<uint32_t> of_block(trace.blocks), of_thread(trace.threads);
  const Counts counts{trace, of_block, of_thread, all, order == Order::kOfAll};
  Replay replay(trace, counts, order);
  for (int round = 0; round < 2; ++round) {
    all = 0;
    of_block.assign(trace.blocks, 0);
    of_thread.assign(trace.first, trace.first + trace.threads);
    ASSERT_TRUE(replay.run());
    for (uint32_t next : of_thread) EXPECT_EQ(next, kNoOperation);
  }
}

TEST(Replay, EachBlocksOperationsComeInTheirOrder) { replay_twice(Order::kOfBlocks); }
TEST(Replay, AllOperationsComeInTheirOrder) { replay_twice(Order::kOfAll); }

TEST(Replay, AThreadBeginsWhenThoseAreGoneThatHadEnded) {
  Builder builder(100);
  for (uint32_t thread = 0; thread < 50; ++thread) {
    builder.append(thread, Kind::kMalloc, thread, 8);
    builder.append(thread, Kind::kUsable, thread);
  }
  const Trace trace = builder.finish();
  struct Alone {
    uint32_t& next;  // one thread at a time: nobody else is there
    void operator()(const Operation&, uint32_t index, uint32_t) const { EXPECT_EQ(index, next++); }
  };
  uint32_t next = 0;
  const Alone alone{next};
  ASSERT_TRUE(Replay(trace, alone, Order::kOfBlocks).run());
  EXPECT_EQ(next, 100u);
}

}  // namespace
}  // namespace masu::trace
