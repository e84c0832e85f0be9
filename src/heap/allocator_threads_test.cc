// Many threads: remote frees, exit and adoption, the number of owners.
#include "heap/allocator.h"

#include <gtest/gtest.h>

#include <barrier>
#include <cstring>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using test::fill;
using test::filled;
using test::mark;
using test::Marked;
using test::marked;
using test::on_threads;
using test::Ring;

template <class Lane>
class AllocatorThreadsTest : public testing::Test {
 protected:
  test::TestHeap<Lane> heap_;
};
TYPED_TEST_SUITE(AllocatorThreadsTest, test::Lanes);

TYPED_TEST(AllocatorThreadsTest, RemoteFreesThroughARing) {
  auto& heap = *this->heap_;
  for (unsigned threads : {2u, 3u, 8u}) {
    Ring ring(64);
    on_threads(heap, threads, [&](unsigned t) {
      test::Random random(t + 1);
      std::vector<void*> own(32);
      for (int i = 0; i < 6000; ++i) {
        const size_t bytes = sizeof(Marked) + random.size(random.below(20) == 0 ? 30000 : 600);
        void* p = mark(heap.malloc(bytes), bytes, random.next());
        void*& slot = own[random.below(own.size())];
        std::swap(p, slot);
        if (p != nullptr && random.below(2) == 0) p = ring.swap(random.below(64), p);
        if (p == nullptr) continue;
        EXPECT_TRUE(marked(p)) << "somebody wrote into a live block";
        heap.free(p);
      }
      for (void* p : own) heap.free(p);
    });
    ring.drain([&](void* p) {
      EXPECT_TRUE(marked(p));
      heap.free(p);
    });
    heap.flush();
    EXPECT_EQ(heap.census(), 0u) << threads << " threads";
  }
  EXPECT_GT(heap.event(Event::kStashBlocks), 0u);
  EXPECT_GT(heap.event(Event::kDrain), 0u);
  EXPECT_LE(heap.event(Event::kDrainEmpty), heap.event(Event::kDrain));
  EXPECT_LE(heap.event(Event::kStashPush), heap.event(Event::kStashBlocks));
  EXPECT_EQ(heap.event(Event::kStashOwn), 0u);
  EXPECT_LE(heap.totals().owners, 9u) << "exited threads' owners are used again";
}

// A block in flight counts as freed at once, though its owner has not seen it.
TYPED_TEST(AllocatorThreadsTest, CensusSeesBlocksInFlight) {
  auto& heap = *this->heap_;
  std::vector<void*> blocks;
  for (int i = 0; i < 30; ++i) blocks.push_back(heap.malloc(100));
  std::thread other([&] {
    for (int i = 0; i < 20; ++i) heap.free(blocks[static_cast<size_t>(i)]);
    EXPECT_EQ(heap.census(), 10u) << "some in the stash, some in the inbox";
    heap.thread_exit();
  });
  other.join();
  EXPECT_EQ(heap.census(), 10u) << "all in the inbox";
  for (int i = 0; i < 300; ++i) blocks.push_back(heap.malloc(100));
  EXPECT_EQ(heap.census(), 310u);
  for (size_t i = 20; i < blocks.size(); ++i) heap.free(blocks[i]);
  EXPECT_EQ(heap.census(), 0u);
}

TYPED_TEST(AllocatorThreadsTest, ExitedThreadsAreAdoptedWithEverythingInThem) {
  auto& heap = *this->heap_;
  std::vector<void*> blocks;
  for (int round = 0; round < 50; ++round) {
    on_threads(heap, 1, [&](unsigned) {
      std::vector<void*> mine;
      for (size_t bytes : {16u, 100u, 5000u, 20000u}) {
        for (int i = 0; i < 5; ++i) mine.push_back(mark(heap.malloc(bytes), bytes, bytes));
      }
      for (size_t i = 1; i < mine.size(); ++i) heap.free(mine[i]);
      blocks.push_back(mine[0]);
    });
  }
  EXPECT_EQ(heap.census(), blocks.size());
  EXPECT_EQ(heap.totals().owners, 1u);
  EXPECT_EQ(heap.event(Event::kOwnerCreate), 1u);
  EXPECT_EQ(heap.event(Event::kOwnerAdopt), 49u);
  EXPECT_EQ(heap.event(Event::kOwnerOrphan), 50u);
  for (void* p : blocks) {
    EXPECT_TRUE(marked(p));
    heap.free(p);
  }
  EXPECT_EQ(heap.census(), 0u);
}

// What waits for an absent owner is found by the thread that adopts it.
TYPED_TEST(AllocatorThreadsTest, BlocksOfTheDeadComeBack) {
  auto& heap = *this->heap_;
  heap.free(heap.malloc(1));  // we have an owner of our own
  std::vector<void*> blocks;
  on_threads(heap, 1, [&](unsigned) {
    for (int i = 0; i < 100; ++i) blocks.push_back(heap.malloc(3000));
  });
  const size_t before = heap.core().arena.in_use();
  for (void* p : blocks) heap.free(p);
  heap.flush();
  on_threads(heap, 1, [&](unsigned) {
    std::vector<void*> again;
    for (int i = 0; i < 100; ++i) again.push_back(heap.malloc(3000));
    std::sort(again.begin(), again.end());
    std::sort(blocks.begin(), blocks.end());
    std::vector<void*> both;
    std::set_intersection(again.begin(), again.end(), blocks.begin(), blocks.end(), std::back_inserter(both));
    EXPECT_GE(both.size(), 50u);
    for (void* p : again) heap.free(p);
  });
  EXPECT_LE(heap.core().arena.in_use(), before + 1);
  EXPECT_EQ(heap.census(), 0u);
}

TYPED_TEST(AllocatorThreadsTest, ThreadsThatOnlyFree) {
  auto& heap = *this->heap_;
  for (int round = 0; round < 20; ++round) {
    std::vector<void*> blocks;
    for (int i = 0; i < 400; ++i) blocks.push_back(mark(heap.malloc(64), 64, static_cast<uint64_t>(i)));
    on_threads(heap, 4, [&](unsigned t) {
      for (size_t i = t; i < blocks.size(); i += 4) {
        EXPECT_TRUE(marked(blocks[i]));
        heap.free(blocks[i]);
      }
    });
    EXPECT_EQ(heap.census(), 0u);
  }
  EXPECT_LE(heap.totals().arena_bytes, 2 * Arena<TypeParam>::kSegmentBytes) << "what they freed is used again";
}

// A first call that is a free: of nothing, of another thread's block, of a large one. An adopted owner's block is ours.
TYPED_TEST(AllocatorThreadsTest, FreeBeforeMalloc) {
  auto& heap = *this->heap_;
  void* small = heap.malloc(50);
  void* large = heap.malloc(3 * kMiB);
  on_threads(heap, 1, [&](unsigned) { heap.free(nullptr); });
  on_threads(heap, 1, [&](unsigned) { heap.free(large); });
  on_threads(heap, 1, [&](unsigned) { heap.free(small); });
  EXPECT_EQ(heap.census(), 0u);
  void* p = nullptr;
  on_threads(heap, 1, [&](unsigned) { p = heap.malloc(50); });
  on_threads(heap, 1, [&](unsigned) { heap.free(p); });
  EXPECT_EQ(heap.census(), 0u);
  EXPECT_EQ(heap.event(Event::kStashOwn), 0u);
}

// Destructors of other libraries call malloc and free after our exit hook.
TYPED_TEST(AllocatorThreadsTest, CallsAfterThreadExit) {
  auto& heap = *this->heap_;
  std::vector<void*> kept;
  std::mutex mutex;
  on_threads(heap, 4, [&](unsigned) {
    void* mine = heap.malloc(40);
    void* large = heap.malloc(4 * kMiB);
    heap.thread_exit();
    for (int i = 0; i < 200; ++i) {
      void* p = mark(heap.malloc(200), 200, 1);
      void* q = heap.calloc(9000);
      EXPECT_TRUE(test::all_zero(q, 9000));
      p = heap.realloc(p, 400);
      EXPECT_TRUE(marked(p));
      heap.free(p);
      heap.free(q);
    }
    heap.free(mine);
    heap.free(large);
    heap.thread_exit();
    const std::lock_guard guard(mutex);
    kept.push_back(heap.malloc(10));
  });
  EXPECT_EQ(heap.census(), 4u);
  for (void* p : kept) heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
  EXPECT_LE(heap.totals().owners, 5u);
}

// Spill: more is drained than the bin takes; overflow: more waits than a drain looks at. All of it is used again.
TYPED_TEST(AllocatorThreadsTest, SpillAndItsOverflowAreCountedAndDrained) {
  auto& heap = *this->heap_;
  const size_t many = 20000;
  std::vector<void*> blocks;
  for (size_t i = 0; i < many; ++i) blocks.push_back(heap.malloc(64));
  for (size_t i = 0; i < many / 4; ++i) heap.free(blocks[i]);  // the bin is full now
  on_threads(heap, 2, [&](unsigned t) {
    for (size_t i = many / 4 + t; i < many; i += 2) heap.free(blocks[i]);
  });
  EXPECT_EQ(heap.census(), 0u);
  const size_t in_use = heap.core().arena.in_use();
  void* p = heap.malloc(8192);  // a refill of another class drains into the full bin
  EXPECT_EQ(heap.event(Event::kDrain), 1u);
  EXPECT_GE(heap.event(Event::kSpillFill), 1u);
  EXPECT_GE(heap.event(Event::kSpillOverflow), 1u);
  EXPECT_EQ(heap.census(), 1u);
  heap.free(p);
  for (size_t i = 0; i < many; ++i) heap.malloc(64);
  EXPECT_LE(heap.core().arena.in_use(), in_use + 1) << "spilled blocks were not used again";
  EXPECT_EQ(heap.census(), many);
}

TYPED_TEST(AllocatorThreadsTest, CollectDrainsSpillAndOverflow) {
  auto& heap = *this->heap_;
  std::vector<void*> blocks;
  for (int i = 0; i < 5000; ++i) blocks.push_back(heap.malloc(64));
  on_threads(heap, 1, [&](unsigned) {
    for (void* p : blocks) heap.free(p);
  });
  heap.free(heap.malloc(8192));  // a boundary in another class drains a part
  heap.flush();
  heap.trim();
  EXPECT_EQ(heap.census(), 0u);
  EXPECT_EQ(heap.totals().arena_bytes, 0u) << "something still sits on its page";
}

// A thread's end leaves caches to the next thread, a heap's end an owner without any to the next heap.
TYPED_TEST(AllocatorThreadsTest, ThreadsTakeTheOwnerThatHadOneFirst) {
  auto& heap = *this->heap_;
  auto* own = heap.heap_new();
  on_threads(heap, 1, [&](unsigned) { heap.free(heap.malloc(1)); });
  heap.heap_delete(*own);
  heap.free(heap.malloc(1));
  ASSERT_EQ(heap.heap_new(), own) << "the thread left it alone";
  heap.heap_delete(*own);
  on_threads(heap, 1, [&](unsigned) { heap.free(heap.malloc(1)); });
  EXPECT_EQ(heap.totals().owners, 2u) << "where there is no other, a thread takes a heap's";
}

TYPED_TEST(AllocatorThreadsTest, EachOwnerIsVisitedOnce) {
  auto& heap = *this->heap_;
  std::vector<uint32_t> ids;
  auto visit = [&](auto& owner) { ids.push_back(owner.id()); };
  heap.each_owner(visit);
  EXPECT_TRUE(ids.empty());
  for (int i = 0; i < 3; ++i) heap.heap_new();
  heap.each_owner(visit);
  EXPECT_EQ(ids, (std::vector<uint32_t>{1, 2, 3}));
}

// Threads come and go, hand blocks to others, and leave some for the next; counters agree with what was done.
TYPED_TEST(AllocatorThreadsTest, ThreadsComeAndGo) {
  auto& heap = *this->heap_;
  Ring ring(128);
  for (int generation = 0; generation < 30; ++generation) {
    on_threads(heap, 4, [&](unsigned t) {
      test::Random random(static_cast<uint64_t>(generation) * 4 + t);
      for (int i = 0; i < 300; ++i) {
        const size_t bytes = sizeof(Marked) + random.size(9000);
        void* p = ring.swap(random.below(128), mark(heap.malloc(bytes), bytes, random.next()));
        if (p == nullptr) continue;
        EXPECT_TRUE(marked(p));
        heap.free(p);
      }
    });
    const size_t live = heap.census();
    ASSERT_LE(live, 128u);
    if (generation % 7 == 6) {
      ring.drain([&](void* p) { heap.free(p); });
      heap.flush();
      ASSERT_EQ(heap.census(), 0u);
    }
  }
  ring.drain([&](void* p) { heap.free(p); });
  EXPECT_EQ(heap.census(), 0u);
  // Ours, four threads', and one for each of three whose tick has an orphan in hand just when the fourth looks for one.
  EXPECT_LE(heap.totals().owners, 8u);
  EXPECT_EQ(heap.event(Event::kOwnerOrphan), 120u);
  EXPECT_EQ(heap.event(Event::kOwnerCreate), heap.totals().owners);
}

// Caches wait for the next thread, as long as few owners do; none where what is free is to go back.
TYPED_TEST(AllocatorThreadsTest, AnEndedThreadsCachesStayWhileFewOwnersWait) {
  constexpr unsigned kThreads = TypeParam::kWarmOrphans + 3;
  for (const bool watched : {false, true}) {
    test::TestHeap<TypeParam> own;
    auto& heap = *own;
    const auto held = [&] {
      unsigned n = 0;
      heap.each_owner([&](auto& o) { n += o.holdings().bins != 0; });
      return n;
    };
    std::barrier<> all(kThreads + 1);
    std::atomic<unsigned> turn{kThreads};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        heap.free(heap.malloc(64));
        all.arrive_and_wait();
        while (turn != t) std::this_thread::yield();
        heap.thread_exit();
        ++turn;
      });
    }
    all.arrive_and_wait();
    EXPECT_EQ(held(), kThreads);
    heap.core().arena.set_watched(watched);
    turn = 0;
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(held(), watched ? 0 : TypeParam::kWarmOrphans);
    heap.core().arena.set_watched(false);
  }
}

// --- how many owners

struct FewOwners : test::SmallSegments {
  static constexpr uint32_t kMaxOwners = 3;
};

TEST(AllocatorOwnersTest, WithoutAnOwnerThereIsNullAndNoCrash) {
  test::TestHeap<Under<test::Recorded<FewOwners>, test::NativeSync, test::TestOs>> own;
  auto& heap = *own;
  std::barrier<> full(3), done(3);
  std::vector<std::thread> threads;
  void* shared = heap.malloc(77);
  void* large = heap.malloc(kMiB);
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      void* p = heap.malloc(10);
      EXPECT_NE(p, nullptr);
      full.arrive_and_wait();
      done.arrive_and_wait();
      heap.free(p);
      heap.thread_exit();
    });
  }
  full.arrive_and_wait();
  EXPECT_EQ(heap.heap_new(), nullptr);
  std::thread([&] {
    for (size_t bytes : {0, 100, 5000, 60000}) {
      EXPECT_EQ(heap.malloc(bytes), nullptr);
      EXPECT_EQ(heap.calloc(bytes), nullptr);
      EXPECT_EQ(heap.aligned(bytes, 8192), nullptr);
    }
    EXPECT_EQ(heap.realloc(shared, 5000), nullptr);
    heap.free(shared);  // needs none: straight to the inbox
    heap.free(large);
    void* p = heap.malloc(kMiB);  // nor does a mapping
    EXPECT_NE(p, nullptr);
    heap.free(p);
    heap.flush();
    heap.purge(true);
    heap.trim();
    heap.thread_exit();
    EXPECT_EQ(heap.malloc(10), nullptr);
  }).join();
  EXPECT_EQ(heap.event(Event::kDirectFree), 1u);
  done.arrive_and_wait();
  for (std::thread& t : threads) t.join();
  std::thread([&] {
    void* p = heap.malloc(10);
    EXPECT_NE(p, nullptr) << "an owner is free again";
    heap.free(p);
    heap.thread_exit();
  }).join();
  EXPECT_EQ(heap.census(), 0u);
  EXPECT_EQ(heap.totals().owners, 3u);
}

TEST(AllocatorOwnersTest, AThousandOwnersAtOnce) {
  test::TestHeap<test::NativeLane> own;
  auto& heap = *own;
  // Owners rather than threads: sanitizers need too much memory for a thousand of those.
  constexpr size_t kHeaps = 1000;
  std::vector<Owner<test::NativeLane>*> heaps;
  std::vector<void*> blocks;
  for (size_t i = 0; i < kHeaps; ++i) {
    auto* h = heap.heap_new();
    if (h == nullptr) break;
    heaps.push_back(h);
    void* p = i < 400 ? heap.heap_malloc(*h, 100, 16) : nullptr;
    if (p != nullptr) blocks.push_back(mark(p, 100, i));
  }
  ASSERT_EQ(heaps.size(), kHeaps);
  EXPECT_EQ(heap.totals().owners, kHeaps);
  for (void* p : blocks) EXPECT_TRUE(marked(p));
  EXPECT_EQ(heap.census(), blocks.size());
  for (auto* h : heaps) heap.heap_delete(*h);
  EXPECT_EQ(heap.census(), 0u);
}

}  // namespace
}  // namespace masu
