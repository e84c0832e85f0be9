// Memory that comes and goes: the escape order at the limit, decay, purge, trim, claimed segments, large machine pages.
#include "heap/allocator.h"

#include <gtest/gtest.h>

#include <barrier>
#include <cstring>
#include <functional>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using test::FaultLane;
using test::on_threads;
using test::TestHeap;

template <class Lane>
class AllocatorMemoryTest : public testing::Test {};
TYPED_TEST_SUITE(AllocatorMemoryTest, test::Lanes);

template <class Lane>
class AllocatorOnTestOsTest : public testing::Test {};
TYPED_TEST_SUITE(AllocatorOnTestOsTest, test::TestOsLanes);

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
  EXPECT_EQ(heap.event(Event::kLargeMap), heap.event(Event::kLargeUnmap));
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

// --- the limit. Segments of 256 KiB; a limit of one holds four blocks of 64 KiB.

constexpr size_t kSegment = Arena<FaultLane>::kSegmentBytes;
constexpr size_t kQuarter = kSegment / 4;

HeapConfig limited(size_t segments) {
  HeapConfig config;
  config.arena_limit = segments * kSegment;
  return config;
}

template <class Heap>
std::vector<void*> take_all(Heap& heap, size_t bytes) {
  std::vector<void*> blocks;
  while (void* p = heap.malloc(bytes)) blocks.push_back(p);
  return blocks;
}

TEST(AllocatorEscapeTest, ExactlyTheLimit) {
  TestHeap<FaultLane> own(limited(3));
  auto& heap = *own;
  const auto blocks = take_all(heap, kQuarter);
  EXPECT_EQ(blocks.size(), 12u);
  EXPECT_EQ(heap.core().arena.in_use(), 3u);
  EXPECT_GE(heap.event(Event::kOutOfMemory), 1u);
  EXPECT_EQ(heap.event(Event::kEscapeSaved), 0u);
  EXPECT_EQ(heap.malloc(16), nullptr);
  EXPECT_EQ(heap.calloc(60000), nullptr);
  EXPECT_EQ(heap.aligned(100, 16384), nullptr);
  EXPECT_EQ(heap.realloc(blocks[0], kQuarter), blocks[0]);
  EXPECT_EQ(heap.realloc(blocks[0], 100), blocks[0]) << "shrinking in place needs no memory";
  void* large = heap.malloc(kMiB);
  EXPECT_NE(large, nullptr) << "outside the arena";
  heap.free(large);
  EXPECT_EQ(heap.census(), 12u);
  for (void* p : blocks) heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
  void* p = heap.malloc(16);
  EXPECT_NE(p, nullptr);
  heap.free(p);
}

TEST(AllocatorEscapeTest, SaidOnceAFailure) {
  TestHeap<FaultLane> own(limited(1));
  auto& heap = *own;
  const auto blocks = take_all(heap, kQuarter);
  const uint64_t before = test::FaultLog::get().out_of_memory;
  EXPECT_EQ(heap.malloc(kQuarter), nullptr);
  EXPECT_EQ(test::FaultLog::get().out_of_memory, before + 1);
  for (void* p : blocks) heap.free(p);
}

// (1) our own caches.
TEST(AllocatorEscapeTest, SavedByOurOwnCaches) {
  TestHeap<FaultLane> own(limited(1));
  auto& heap = *own;
  auto blocks = take_all(heap, kQuarter);
  ASSERT_EQ(blocks.size(), 4u);
  const uint64_t escapes = heap.event(Event::kEscape), flushes = heap.event(Event::kEscapeFlush);
  heap.free(blocks.back());  // waits in a bin
  blocks.back() = heap.malloc(16384);
  EXPECT_NE(blocks.back(), nullptr);
  EXPECT_EQ(heap.event(Event::kEscape), escapes + 1);
  EXPECT_EQ(heap.event(Event::kEscapeFlush), flushes + 1);
  EXPECT_EQ(heap.event(Event::kEscapeSaved), 1u);
  for (void* p : blocks) heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
}

// (1) our own inbox, more in it than one drain takes.
TEST(AllocatorEscapeTest, SavedByWhatOthersFreed) {
  TestHeap<FaultLane> own(limited(1));
  auto& heap = *own;
  auto blocks = take_all(heap, 1024);
  ASSERT_GT(blocks.size(), 200u);
  std::thread([&] {
    for (void* p : blocks) heap.free(p);  // cannot get an owner's memory, need none
    heap.thread_exit();
  }).join();
  void* p = heap.malloc(kQuarter);
  EXPECT_NE(p, nullptr);
  EXPECT_GE(heap.event(Event::kEscapeSaved), 1u);
  EXPECT_EQ(heap.census(), 1u);
  heap.free(p);
}

// (1)-(3) the caches and the spare segment of a thread that is gone.
TEST(AllocatorEscapeTest, SavedByAnOrphan) {
  TestHeap<FaultLane> own(limited(2));
  auto& heap = *own;
  std::vector<void*> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(heap.malloc(kQuarter));
  on_threads(heap, 1, [&](unsigned) { heap.free(heap.malloc(kQuarter)); });
  EXPECT_EQ(heap.core().arena.in_use(), 2u);
  const uint64_t collects = heap.event(Event::kEscapeCollect);
  blocks.push_back(heap.malloc(kQuarter));
  EXPECT_NE(blocks.back(), nullptr);
  EXPECT_EQ(heap.event(Event::kEscapeCollect), collects + 1);
  EXPECT_EQ(heap.event(Event::kEscapeSaved), 1u);
  for (void* p : blocks) heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
}

// Three blocks in an orphan's bins and one live one break its segment into runs too short: the bins must be emptied.
TEST(AllocatorEscapeTest, SavedByAnOrphansCaches) {
  TestHeap<FaultLane> own(limited(2));
  auto& heap = *own;
  std::vector<void*> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(heap.malloc(kQuarter));
  on_threads(heap, 1, [&](unsigned) {
    std::vector<void*> between, pins;
    for (size_t pin : {16384u, 16384u, 12288u, 12288u}) {
      for (int i = 0; i < 3; ++i) between.push_back(heap.malloc(16384));
      pins.push_back(heap.malloc(pin));
    }
    blocks.push_back(pins.back());
    pins.pop_back();
    for (void* p : between) heap.free(p);
    for (void* p : pins) heap.free(p);
  });
  EXPECT_EQ(heap.core().arena.in_use(), 2u);
  blocks.push_back(heap.malloc(kQuarter));
  EXPECT_NE(blocks.back(), nullptr);
  EXPECT_EQ(heap.event(Event::kEscapeSaved), 1u);
  for (void* p : blocks) heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
}

// (4) a live thread answers the call at its next boundary. Its yield() is where the caller waits for that.
struct WaitingSync : test::NativeSync {
  static std::function<void()>& on_yield() {
    static std::function<void()> f = [] {};
    return f;
  }
  static void yield() { on_yield()(); }
};

TEST(AllocatorEscapeTest, SavedByAThreadThatAnswers) {
  using Lane = Under<FaultLane, WaitingSync, test::TestOs>;
  TestHeap<Lane> own(limited(3));
  auto& heap = *own;
  std::vector<void*> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(heap.malloc(kQuarter));
  std::barrier<> ready(2), asked(2), answered(2), done(2);
  std::thread other([&] {
    std::vector<void*> mine;
    for (int i = 0; i < 5; ++i) mine.push_back(heap.malloc(kQuarter));
    for (int i = 0; i < 4; ++i) heap.free(mine[static_cast<size_t>(i)]);  // one of them in a bin pins a segment
    ready.arrive_and_wait();
    asked.arrive_and_wait();
    heap.free(mine[4]);  // the bin is full: a boundary
    answered.arrive_and_wait();
    done.arrive_and_wait();  // alive all the time: nobody may collect it
    heap.thread_exit();
  });
  ready.arrive_and_wait();
  EXPECT_EQ(heap.core().arena.in_use(), 3u);
  int calls = 0;
  WaitingSync::on_yield() = [&] {
    if (calls++ > 0) return;
    asked.arrive_and_wait();
    answered.arrive_and_wait();
  };
  const uint64_t waits = heap.event(Event::kEscapeWait);
  blocks.push_back(heap.malloc(kQuarter));
  WaitingSync::on_yield() = [] {};
  EXPECT_NE(blocks.back(), nullptr);
  EXPECT_EQ(calls, 1);
  if (calls == 0) {
    asked.arrive_and_wait();
    answered.arrive_and_wait();
  }
  done.arrive_and_wait();
  other.join();
  EXPECT_EQ(heap.event(Event::kEscapeWait), waits + 1);
  EXPECT_EQ(heap.event(Event::kEscapeSaved), 1u);
  for (void* p : blocks) heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
}

// Under pressure an orphan's segment is shared. A private heap takes nothing of it and does not become its owner: it
// ends with everything in its segments, and there are others' blocks in that one.
TEST(AllocatorEscapeTest, PrivateHeapsAndSharedSegments) {
  TestHeap<FaultLane> own(limited(2));
  auto& heap = *own;
  auto* before = heap.heap_new();
  std::vector<void*> blocks = {heap.malloc(kQuarter)};
  std::vector<void*> theirs;
  on_threads(heap, 1, [&](unsigned) {
    for (int i = 0; i < 8; ++i) theirs.push_back(heap.malloc(16384));
    for (int i = 0; i < 8; i += 2) heap.free(theirs[static_cast<size_t>(i)]);
  });
  while (void* p = heap.malloc(16384)) blocks.push_back(p);
  EXPECT_GT(heap.event(Event::kSegmentShare), 0u);
  EXPECT_GT(heap.event(Event::kSharedRun), 0u);
  for (int i = 0; i < 2; ++i) {  // room in the shared segment
    heap.free(blocks.back());
    blocks.pop_back();
  }
  heap.flush();
  auto* after = heap.heap_new();
  ASSERT_NE(after, nullptr);
  for (auto* h : {before, after}) {
    for (int i = 0; i < 3; ++i) heap.heap_malloc(*h, 16384, 16);  // mostly null
    heap.heap_delete(*h);
  }
  EXPECT_EQ(heap.census(), blocks.size() + 4);
  for (size_t i = 1; i < theirs.size(); i += 2) heap.free(theirs[i]);
  for (void* p : blocks) heap.free(p);
  heap.trim();
  EXPECT_EQ(heap.census(), 0u);
  EXPECT_EQ(heap.totals().arena_bytes, 0u);
}

// Blocks go round between threads under a limit that peak live nearly reaches: escapes happen, nothing fails for good.
TYPED_TEST(AllocatorOnTestOsTest, ThreadsUnderPressure) {
  HeapConfig config;
  config.arena_limit = 12 * Arena<TypeParam>::kSegmentBytes;
  TestHeap<TypeParam> own(config);
  auto& heap = *own;
  std::vector<std::atomic<void*>> ring(64);
  std::atomic<unsigned> nulls{0};
  on_threads(heap, 4, [&](unsigned t) {
    test::Random random(t);
    for (int i = 0; i < 4000; ++i) {
      const size_t bytes = 16 + random.below(Arena<TypeParam>::kSegmentBytes / 4 - 16);
      void* p = heap.malloc(bytes);
      if (p == nullptr) {
        ++nulls;
      } else {
        memset(p, static_cast<int>(t), min_of<size_t>(bytes, 64));
      }
      if (void* old = ring[random.below(64)].exchange(p, std::memory_order_acq_rel); old != nullptr) heap.free(old);
    }
  });
  EXPECT_GT(heap.event(Event::kEscape), 0u);
  EXPECT_GT(heap.event(Event::kEscapeSaved), 0u);
  EXPECT_LE(heap.core().arena.in_use(), 12u);
  for (auto& slot : ring) heap.free(slot.exchange(nullptr, std::memory_order_acq_rel));
  EXPECT_EQ(heap.census(), 0u);
  heap.trim();
  EXPECT_EQ(heap.totals().arena_bytes, 0u);
}

TEST(AllocatorMemoryLimitTest, ConfigureMovesTheLimit) {
  TestHeap<FaultLane> own(limited(4));
  auto& heap = *own;
  heap.configure(limited(2));
  auto blocks = take_all(heap, kQuarter);
  EXPECT_EQ(blocks.size(), 8u);
  heap.configure(limited(3));
  blocks.push_back(heap.malloc(kQuarter));
  EXPECT_NE(blocks.back(), nullptr);
  for (void* p : blocks) heap.free(p);
}

// --- address-space limit: segments are claimed one by one

template <class Lane>
auto claiming() {
  return [](test::TestOs& os) { os.space_limit = 256 * kMiB; };
}

TYPED_TEST(AllocatorOnTestOsTest, ClaimedSegments) {
  TestHeap<TypeParam> own(TestHeap<TypeParam>::small(), claiming<TypeParam>());
  auto& heap = *own;
  const size_t floor = heap.core().os.mapped();
  EXPECT_LT(floor, 64 * kMiB) << "the program keeps the rest of the address space";
  for (int round = 0; round < 3; ++round) {
    {
      test::Churn churn(heap, 11, 600 * kKiB);
      churn.steps(3000);
      EXPECT_EQ(churn.nulls, 0u);
      EXPECT_EQ(heap.census(), churn.live());
    }
    heap.trim();
    EXPECT_EQ(heap.census(), 0u);
    EXPECT_EQ(own.resident_pages(), 0u);
    EXPECT_LE(heap.core().os.mapped(), floor + 2 * kMiB) << "claimed segments were not given back";
  }
}

// Somebody else's mapping lies where the next segment would be: it is passed over for good.
TYPED_TEST(AllocatorOnTestOsTest, ClaimsGoRoundOtherMappings) {
  TestHeap<TypeParam> own(TestHeap<TypeParam>::small(), claiming<TypeParam>());
  auto& heap = *own;
  heap.free(heap.malloc(1));
  auto& arena = heap.core().arena;
  heap.core().os.refuse_claim_at = reinterpret_cast<uintptr_t>(arena.at(arena.ever_used()));
  std::vector<void*> blocks;
  while (arena.in_use() < 4) {
    blocks.push_back(heap.malloc(60000));
    ASSERT_NE(blocks.back(), nullptr);
  }
  for (void* p : blocks) heap.free(p);
  heap.trim();
  heap.core().os.refuse_claim_at = 0;
  EXPECT_EQ(heap.census(), 0u);
}

// The program maps something where a segment was given back: other places serve instead.
TYPED_TEST(AllocatorOnTestOsTest, AReturnedSegmentMayBeTakenByOthers) {
  TestHeap<TypeParam> own(TestHeap<TypeParam>::small(), claiming<TypeParam>());
  auto& heap = *own;
  heap.free(heap.malloc(1));
  heap.trim();
  ASSERT_EQ(heap.core().arena.ever_used(), 1u);
  heap.core().os.refuse_claim_at = reinterpret_cast<uintptr_t>(heap.core().arena.at(0));
  void* p = heap.malloc(1);
  EXPECT_NE(p, nullptr) << "one lost place must not stop the arena";
  heap.core().os.refuse_claim_at = 0;
  heap.free(p);
  heap.trim();
  EXPECT_EQ(heap.census(), 0u);
}

// --- machine pages larger than ours

TYPED_TEST(AllocatorOnTestOsTest, LargeMachinePages) {
  for (const size_t page : {16 * kKiB, 64 * kKiB}) {
    for (const size_t space : {SIZE_MAX, 256 * kMiB}) {
      TestHeap<TypeParam> own(TestHeap<TypeParam>::small(), [&](test::TestOs& os) {
        os.page = page;
        os.space_limit = space;
      });
      auto& heap = *own;
      void* p = heap.malloc(5 * kMiB + 1);
      EXPECT_EQ(heap.usable_size(p) % page, 0u);
      heap.free(p);
      auto* priv = heap.heap_new();
      for (uint64_t round = 0; round < 4; ++round) {
        test::Churn churn(heap, round, 600 * kKiB);
        for (int i = 0; i < 400; ++i) {
          churn.steps(4);
          if (i % 40 == 0) heap.flush();
          if (i % 50 == 0) heap.purge(true);
          if (i % 90 == 0) heap.trim();
          heap.heap_malloc(*priv, static_cast<size_t>(i) * 10, 16);
        }
        EXPECT_EQ(churn.nulls, 0u);
      }
      on_threads(heap, 2, [&](unsigned t) { test::Churn(heap, t, 60000).steps(300); });
      heap.heap_delete(*priv);
      heap.trim();
      EXPECT_EQ(heap.census(), 0u);
      EXPECT_EQ(own.resident_pages(), 0u);
    }
  }
}

// A partly purged run: machine pages that reach beyond it keep their bytes, and calloc knows which.
TYPED_TEST(AllocatorOnTestOsTest, PurgeTouchesWholeMachinePagesOnly) {
  TestHeap<TypeParam> own(TestHeap<TypeParam>::small(), [](test::TestOs& os) { os.page = 64 * kKiB; });
  auto& heap = *own;
  test::Random random(6);
  std::vector<std::pair<void*, size_t>> live(60);
  for (int step = 0; step < 3000; ++step) {
    auto& [p, bytes] = live[random.below(live.size())];
    if (p != nullptr) {
      ASSERT_TRUE(test::filled(p, bytes, bytes));
      heap.free(p);
      p = nullptr;
      if (random.below(3) == 0) heap.flush();
      if (random.below(6) == 0) heap.purge(true);
      continue;
    }
    bytes = kPackedMax + 1 + random.below(30000);
    p = heap.calloc(bytes);
    ASSERT_NE(p, nullptr);
    ASSERT_TRUE(test::all_zero(p, bytes));
    test::fill(p, bytes, bytes);
  }
  EXPECT_GT(heap.event(Event::kPurge), 0u);
  for (auto& [p, bytes] : live) heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
}

}  // namespace
}  // namespace masu
