// The limit on memory: what is tried before malloc gives up, in its order.
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
  std::vector<void*> blocks;
  for (int i = 0; i < 256; ++i) blocks.push_back(heap.malloc(1024));  // all of it, without an escape
  ASSERT_NE(blocks.back(), nullptr);
  ASSERT_EQ(heap.event(Event::kEscape), 0u);
  on_threads(heap, 1, [&](unsigned) {
    for (void* p : blocks) heap.free(p);
  });
  void* p = heap.malloc(kQuarter);
  EXPECT_NE(p, nullptr);
  EXPECT_GE(heap.event(Event::kEscapeSaved), 1u);
  EXPECT_EQ(heap.census(), 1u);
  heap.free(p);
}

// (1)-(3) the caches of a thread that is gone.
TEST(AllocatorEscapeTest, SavedByAnOrphan) {
  TestHeap<FaultLane> own(limited(2));
  auto& heap = *own;
  std::vector<void*> blocks;
  for (int i = 0; i < 7; ++i) blocks.push_back(heap.malloc(kQuarter));
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
  for (int i = 0; i < 7; ++i) blocks.push_back(heap.malloc(kQuarter));
  std::barrier<> ready(2), asked(2), answered(2), done(2);
  std::thread other([&] {
    std::vector<void*> mine;
    for (int i = 0; i < 5; ++i) mine.push_back(heap.malloc(kQuarter));
    for (int i = 0; i < 4; ++i) heap.free(mine[static_cast<size_t>(i)]);  // one of them stays in a bin
    ready.arrive_and_wait();
    asked.arrive_and_wait();
    heap.free(mine[4]);  // the bin is full: a boundary
    answered.arrive_and_wait();
    done.arrive_and_wait();  // alive all the time: nobody may collect it
    // It has answered: from now on its bins keep what they hold.
    const uint64_t refills = heap.event(Event::kRefill);
    heap.free(heap.malloc(64));
    heap.free(heap.malloc(128));
    heap.free(heap.malloc(64));
    EXPECT_EQ(heap.event(Event::kRefill), refills + 2);
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
  for (int i = 0; i < 4; ++i) blocks.push_back(heap.malloc(kQuarter));
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

TEST(AllocatorEscapeTest, WhoIsAloneDoesNotWait) {
  TestHeap<FaultLane> own(limited(1));
  auto& heap = *own;
  on_threads(heap, 1, [&](unsigned) { heap.free(heap.malloc(16)); });  // an owner without a thread is none to wait for
  std::vector<void*> blocks = take_all(heap, kQuarter);
  EXPECT_GT(heap.event(Event::kOutOfMemory), 0u);
  EXPECT_EQ(heap.event(Event::kEscapeWait), 0u);
  for (void* p : blocks) heap.free(p);
}

// Others are asked and waited for, but not again while nothing comes back.
TEST(AllocatorEscapeTest, WaitsInVainOnce) {
  TestHeap<FaultLane> own(limited(1));
  auto& heap = *own;
  std::barrier<> ready(2), done(2);
  std::thread other([&] {
    heap.free(heap.malloc(16));
    ready.arrive_and_wait();
    done.arrive_and_wait();
    heap.thread_exit();
  });
  ready.arrive_and_wait();
  std::vector<void*> blocks = take_all(heap, kQuarter);
  const uint64_t waits = heap.event(Event::kEscapeWait);
  EXPECT_GT(waits, 0u);
  EXPECT_EQ(heap.malloc(kQuarter), nullptr);
  EXPECT_EQ(heap.event(Event::kEscapeWait), waits);
  heap.free(blocks.back());
  heap.flush();
  blocks.back() = heap.malloc(kQuarter);
  EXPECT_EQ(heap.malloc(kQuarter), nullptr);
  EXPECT_GT(heap.event(Event::kEscapeWait), waits) << "something had come back";
  done.arrive_and_wait();
  other.join();
  for (void* p : blocks) heap.free(p);
}

// A private heap takes nothing of the segments that all threads share: it ends with everything in its own.
TEST(AllocatorEscapeTest, PrivateHeapsStayOutOfCommonSegments) {
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
  for (int i = 0; i < 2; ++i) {  // room in a common segment
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

template <class Lane>
class AllocatorPressureTest : public testing::Test {};
TYPED_TEST_SUITE(AllocatorPressureTest, test::TestOsLanes);

// Blocks go round between threads under a limit that peak live nearly reaches: escapes happen, nothing fails for good.
TYPED_TEST(AllocatorPressureTest, ThreadsUnderPressure) {
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

TEST(AllocatorEscapeTest, ConfigureMovesTheLimit) {
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

}  // namespace
}  // namespace masu
