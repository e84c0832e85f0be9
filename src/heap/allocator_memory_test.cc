// Memory that comes and goes: decay, purge, trim.
#include "heap/allocator.h"

#include <gtest/gtest.h>

#include <barrier>
#include <cstring>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using test::on_threads;
using test::TestHeap;

template <class Lane>
class AllocatorMemoryTest : public testing::Test {};
TYPED_TEST_SUITE(AllocatorMemoryTest, test::Lanes);

template <class Lane>
class AllocatorOnTestOsTest : public testing::Test {};
TYPED_TEST_SUITE(AllocatorOnTestOsTest, test::TestOsLanes);

TYPED_TEST(AllocatorMemoryTest, AConfigurationCountsFromTheNextCallOn) {
  TestHeap<TypeParam> own;
  auto& heap = *own;
  HeapConfig lenient;
  lenient.ignore_misuse = true;
  heap.configure(lenient);
  void* p = heap.malloc(100);
  heap.free(p);
  heap.free(p);
  EXPECT_TRUE(test::no_faults());
  heap.configure({});
  heap.free(p);
  EXPECT_EQ(test::FaultLog::get().take_one(), Fault::kDoubleFree);
}

TYPED_TEST(AllocatorMemoryTest, WhereNothingIsConfiguredTheMachineIsTheLimit) {
  TestHeap<TypeParam> own(HeapConfig{});
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) {
    blocks.push_back(own->malloc(TestHeap<TypeParam>::Heap::C::kMaxSize));
    ASSERT_NE(blocks.back(), nullptr) << i;
  }
  for (void* p : blocks) own->free(p);
}

// --- back to the floor

TYPED_TEST(AllocatorMemoryTest, TrimGoesBackToTheFloor) {
  TestHeap<TypeParam> own;
  auto& heap = *own;
  for (int round = 0; round < 3; ++round) {
    {
      test::Churn churn(heap, static_cast<uint64_t>(round), 600 * kKiB);
      churn.steps(3000);
      EXPECT_EQ(heap.census(), churn.live());
      EXPECT_GT(own.resident_pages(), 0u);
    }
    EXPECT_TRUE(heap.trim());
    EXPECT_EQ(heap.census(), 0u);
    const auto t = heap.totals();
    EXPECT_EQ(t.arena_bytes, 0u);
    EXPECT_EQ(t.kept_bytes, 0u);
    EXPECT_EQ(t.live_large_bytes, 0u);
    EXPECT_EQ(t.cached_large_bytes, 0u);
    EXPECT_EQ(own.resident_pages(), 0u);
    EXPECT_FALSE(heap.trim()) << "nothing is left to give back";
  }
}

// Memory of ended threads, and blocks that wait for them, goes back too.
TYPED_TEST(AllocatorMemoryTest, TrimReachesOrphansAndTheirInboxes) {
  TestHeap<TypeParam> own;
  auto& heap = *own;
  std::vector<void*> blocks;
  std::mutex mutex;
  on_threads(heap, 4, [&](unsigned t) {
    test::Churn churn(heap, t, 60000);
    churn.steps(500);
    churn.free_all();
    const std::lock_guard guard(mutex);
    for (int i = 0; i < 100; ++i) blocks.push_back(heap.malloc(700));
  });
  for (void* p : blocks) heap.free(p);
  EXPECT_TRUE(heap.trim());
  EXPECT_EQ(heap.census(), 0u);
  EXPECT_EQ(heap.totals().arena_bytes, 0u);
  EXPECT_EQ(own.resident_pages(), 0u);
}

TYPED_TEST(AllocatorMemoryTest, TotalsFollowTheBlocks) {
  TestHeap<TypeParam> own;
  auto& heap = *own;
  std::vector<void*> blocks;
  size_t bytes = 0;
  for (size_t n : {1u, 16u, 700u, 5000u, 9000u, 60000u}) {
    blocks.push_back(heap.malloc(n));
    bytes += heap.usable_size(blocks.back());
    EXPECT_EQ(heap.arena_live_bytes(), bytes);
  }
  void* large = heap.malloc(2 * kMiB);
  EXPECT_EQ(heap.totals().live_large_bytes, 2 * kMiB);
  EXPECT_EQ(heap.arena_live_bytes(), bytes);
  EXPECT_GE(heap.totals().arena_bytes, bytes);
  heap.free(large);
  EXPECT_EQ(heap.totals().live_large_bytes, 0u);
  for (void* p : blocks) heap.free(p);
  EXPECT_EQ(heap.arena_live_bytes(), 0u);
}

// Counters of things that come in pairs: what was acquired and not released is still there.
TYPED_TEST(AllocatorMemoryTest, CountersAddUp) {
  TestHeap<TypeParam> own;
  auto& heap = *own;
  {
    test::Churn churn(heap, 5, kMiB);
    churn.steps(4000);
  }
  on_threads(heap, 3, [&](unsigned t) { test::Churn(heap, t, 100000).steps(1000); });
  auto segments = [&] { return heap.event(Event::kSegmentAcquire) - heap.event(Event::kSegmentRelease); };
  EXPECT_EQ(segments(), heap.core().arena.in_use());
  heap.trim();
  EXPECT_EQ(segments(), 0u);
  EXPECT_EQ(heap.event(Event::kRunAlloc), heap.event(Event::kRunFree));
  EXPECT_EQ(heap.totals().live_large_bytes + heap.totals().cached_large_bytes, 0u);
  EXPECT_GE(heap.event(Event::kSlabRelease), heap.event(Event::kSlabCarve));
  EXPECT_GT(heap.event(Event::kSlabCarve), 0u);
  EXPECT_GT(heap.event(Event::kRefill), 0u);
  EXPECT_EQ(heap.event(Event::kMisuse), 0u);
  EXPECT_EQ(heap.event(Event::kOutOfMemory), 0u);
  EXPECT_EQ(heap.event(Event::kStashOwn), 0u);
}

TYPED_TEST(AllocatorOnTestOsTest, FreedPagesDecay) {
  HeapConfig config = TestHeap<TypeParam>::small();
  config.decay_ms = 100;
  TestHeap<TypeParam> own(config);
  auto& heap = *own;
  // A live block here and there, so that most segments stay in use.
  std::vector<void*> blocks, kept;
  for (int i = 0; i < 1000; ++i) {
    for (size_t bytes : {700u, 5000u}) {
      void* p = heap.malloc(bytes);
      memset(p, 1, bytes);
      (i % 50 == 0 ? kept : blocks).push_back(p);
    }
  }
  for (void* p : blocks) heap.free(p);
  const size_t before = own.resident_pages();
  ASSERT_GT(before, 1000u);
  auto boundaries = [&] {
    const uint64_t start = heap.event(Event::kRefill);
    std::vector<void*> some;
    while (heap.event(Event::kRefill) < start + 2 * TypeParam::kTickEvents) {
      some.push_back(heap.malloc(12288));
      some.push_back(heap.malloc(16));
    }
    for (void* p : some) heap.free(p);
    heap.flush();
  };
  // The clock stands still: nothing decays.
  boundaries();
  EXPECT_GE(own.resident_pages() + 200, before);
  for (int i = 0; i < 6; ++i) {
    heap.core().os.clock_ms += 10000;
    boundaries();
  }
  EXPECT_LT(own.resident_pages(), before / 2 + kept.size() * 4);
  EXPECT_GT(heap.event(Event::kPurge), 0u);
  EXPECT_EQ(heap.census(), kept.size());
  for (void* p : kept) heap.free(p);
}

// --- a heap that shrank is watched

// 20 MB come and go, or 20 MB of large blocks; some stay in bins. `between`: done while they are there.
template <class Heap, class Between>
void come_and_go(Heap& heap, bool large, int small, Between between) {
  std::vector<void*> blocks;
  for (int i = 0; i < (large ? 10 : small); ++i) {
    const size_t bytes = large ? 2 * kMiB : i % 100 == 0 ? 60000 : 900;
    blocks.push_back(heap.malloc(bytes));
    memset(blocks.back(), 1, bytes);
  }
  between();
  for (void* p : blocks) heap.free(p);
}
template <class Heap>
void come_and_go(Heap& heap, bool large) {
  come_and_go(heap, large, 15000, [] {});
}
template <class Heap>
void pairs(Heap& heap, unsigned n) {
  for (unsigned i = 0; i < n; ++i) heap.free(heap.malloc(64));
}
HeapConfig decays_in(uint64_t ms) {
  HeapConfig c;
  c.arena_limit = 40 * kMiB;
  c.decay_ms = ms;
  return c;
}

TYPED_TEST(AllocatorOnTestOsTest, AllThatWasFreedDecaysThoughCachesServeWhatFollows) {
  for (const bool large : {false, true}) {
    TestHeap<TypeParam> own(decays_in(100));
    auto& heap = *own;
    heap.core().os.clock_ms = 1000;
    pairs(heap, 50);  // the bin has what it needs
    const size_t before = own.resident_pages();
    come_and_go(heap, large);
    EXPECT_TRUE(heap.core().arena.map().watched());
    pairs(heap, 50);
    EXPECT_GT(own.resident_pages() - before + heap.totals().cached_large_bytes / kPage, 300u) << "while it may be wanted again";
    heap.core().os.clock_ms += 100;
    pairs(heap, 2);
    EXPECT_LE(own.resident_pages(), before + 8);
    EXPECT_EQ(heap.totals().cached_large_bytes, 0u);
    EXPECT_FALSE(heap.core().arena.map().watched());
    EXPECT_EQ(heap.census(), 0u);
  }
}

// The clock stands still in each round. The first window ends with the bin filled again, the second has no boundary.
TYPED_TEST(AllocatorOnTestOsTest, ManyMallocsEndTheWait) {
  TestHeap<TypeParam> own(decays_in(10));
  auto& heap = *own;
  heap.core().os.clock_ms = 1000;
  heap.free(heap.malloc(64));
  const size_t before = own.resident_pages();
  for (int round = 0; round < 2; ++round) {
    heap.core().os.clock_ms += 10;  // shrinks are counted anew
    come_and_go(heap, false);
    const size_t after = own.resident_pages();
    pairs(heap, TypeParam::kWatchedPerMs * 10 / 2);
    EXPECT_GT(own.resident_pages() + 100, after);
    pairs(heap, TypeParam::kWatchedPerMs * 10 * 2);
    EXPECT_LE(own.resident_pages(), before + 8) << round;
    EXPECT_FALSE(heap.core().arena.map().watched());
  }
}

// A thread that is often at boundaries goes on unwatched until it looks at the clock; then its windows begin anew.
TYPED_TEST(AllocatorOnTestOsTest, AWatchIsTakenUpAgain) {
  TestHeap<TypeParam> own(decays_in(100));
  auto& heap = *own;
  heap.core().os.clock_ms = 1000;
  heap.free(heap.malloc(64));
  const size_t before = own.resident_pages();
  come_and_go(heap, false);
  const auto& map = heap.core().arena.map();
  ASSERT_TRUE(map.watched());
  const auto batch = [&] {  // more than a bin holds
    std::vector<void*> blocks;
    for (int i = 0; i < 5000; ++i) blocks.push_back(heap.malloc(64));
    for (void* p : blocks) heap.free(p);
  };
  for (unsigned i = 0; i < 4 * TypeParam::kWatchedPerMs && map.watched(); ++i) batch(), pairs(heap, 100);
  ASSERT_FALSE(map.watched());
  EXPECT_GT(own.resident_pages(), before + 100);
  heap.core().os.clock_ms += 50;
  batch();
  EXPECT_TRUE(map.watched());
  pairs(heap, TypeParam::kWatchedPerMs * 100 * 2);
  EXPECT_LE(own.resident_pages(), before + 8);
  EXPECT_FALSE(map.watched());
}

TYPED_TEST(AllocatorOnTestOsTest, WhatThreadsThatEndedHoldGoesBackToo) {
  TestHeap<TypeParam> own(decays_in(100));
  auto& heap = *own;
  heap.core().os.clock_ms = 1000;
  pairs(heap, 50);
  const size_t before = own.resident_pages();
  std::barrier<> all(4);
  on_threads(heap, 4, [&](unsigned) { come_and_go(heap, false, 4000, [&] { all.arrive_and_wait(); }); });
  heap.core().os.clock_ms += 100;
  pairs(heap, 2);
  heap.core().os.clock_ms += 100;
  pairs(heap, 2);
  EXPECT_LE(own.resident_pages(), before + 8);
}

TYPED_TEST(AllocatorOnTestOsTest, WhoLooksAtTheClockForTheFirstTimeWasNotIdle) {
  TestHeap<TypeParam> own(decays_in(100));
  auto& heap = *own;
  heap.core().os.clock_ms = 10000;
  heap.free(heap.malloc(64));
  auto& owner = *heap.core().owners[0];
  const auto held = [&] { return owner.bins().blocks(owner, Classes<TypeParam>::of(64)); };
  const unsigned before = held();
  ASSERT_GT(before, 0u);
  std::vector<void*> runs;
  while (owner.next_tick_ms < 10000) runs.push_back(heap.malloc(12288));
  EXPECT_EQ(held(), before);
  for (void* p : runs) heap.free(p);
}

// A heap that shrinks and grows all the time is watched now and then, and no longer than until it has grown.
TYPED_TEST(AllocatorOnTestOsTest, AHeapThatGrowsAgainIsNotWatched) {
  TestHeap<TypeParam> own(decays_in(100));
  auto& heap = *own;
  heap.core().os.clock_ms = 1000;
  unsigned watched = 0;
  for (unsigned round = 0; round < 3 * TypeParam::kShrinks; ++round) {
    std::vector<void*> blocks;
    for (int i = 0; i < 15000; ++i) blocks.push_back(heap.malloc(900));
    EXPECT_FALSE(heap.core().arena.map().watched());
    for (void* p : blocks) heap.free(p);
    watched += heap.core().arena.map().watched();
  }
  EXPECT_GT(watched, 0u);
  EXPECT_LE(watched, TypeParam::kShrinks);
  heap.core().os.clock_ms += 100;
  come_and_go(heap, false);
  EXPECT_TRUE(heap.core().arena.map().watched());
}

TYPED_TEST(AllocatorOnTestOsTest, PurgeWaitsForTheDecayPeriodUnlessForced) {
  HeapConfig config = TestHeap<TypeParam>::small();
  config.decay_ms = 1000;
  TestHeap<TypeParam> own(config);
  auto& heap = *own;
  for (const bool force : {false, true}) {
    std::vector<void*> blocks;
    for (int i = 0; i < 100; ++i) {
      blocks.push_back(heap.malloc(20000));
      memset(blocks.back(), 1, 20000);
    }
    void* large = heap.malloc(3 * kMiB);
    heap.purge(false);  // notes the time at which what follows is freed
    for (void* p : blocks) heap.free(p);
    heap.free(large);
    heap.flush();
    const size_t before = own.resident_pages();
    EXPECT_GT(before, 50u);
    heap.core().os.clock_ms += 900;
    heap.purge(false);
    EXPECT_EQ(own.resident_pages(), before);
    EXPECT_EQ(heap.totals().cached_large_bytes, 3 * kMiB);
    if (!force) heap.core().os.clock_ms += 200;
    heap.purge(force);
    EXPECT_LT(own.resident_pages(), before / 4);
    EXPECT_EQ(heap.totals().cached_large_bytes, 0u);
  }
}

}  // namespace
}  // namespace masu
