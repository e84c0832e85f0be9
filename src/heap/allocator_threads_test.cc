// Many threads: remote frees, exit and adoption, fork, private heaps, the number of owners.
#include "heap/allocator.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <cstring>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using test::fill;
using test::filled;
using test::on_threads;

template <class Lane>
class AllocatorThreadsTest : public testing::Test {
 protected:
  test::TestHeap<Lane> heap_;
};
TYPED_TEST_SUITE(AllocatorThreadsTest, test::Lanes);

// Blocks on their way from one thread to the next. A slot holds one block; whoever takes it out frees it.
class Ring {
 public:
  explicit Ring(size_t slots) : slots_(slots) {}
  void* swap(size_t i, void* p) { return slots_[i % slots_.size()].exchange(p, std::memory_order_acq_rel); }
  template <class Visit>
  void drain(Visit visit) {
    for (auto& slot : slots_) {
      if (void* p = slot.exchange(nullptr, std::memory_order_acq_rel); p != nullptr) visit(p);
    }
  }

 private:
  std::vector<std::atomic<void*>> slots_;
};

// Its size and key stand in the block itself.
struct Marked {
  uint32_t bytes, key;
};
void* mark(void* p, size_t bytes, uint64_t key) {
  *static_cast<Marked*>(p) = {static_cast<uint32_t>(bytes), static_cast<uint32_t>(key)};
  fill(static_cast<char*>(p) + sizeof(Marked), bytes - sizeof(Marked), static_cast<uint32_t>(key));
  return p;
}
bool marked(void* p) {
  const Marked m = *static_cast<Marked*>(p);
  return filled(static_cast<char*>(p) + sizeof(Marked), m.bytes - sizeof(Marked), m.key);
}

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
  EXPECT_LE(heap.totals().owners, 5u);
  EXPECT_EQ(heap.event(Event::kOwnerOrphan), 120u);
  EXPECT_EQ(heap.event(Event::kOwnerCreate), heap.totals().owners);
}

// --- private heaps

TYPED_TEST(AllocatorThreadsTest, PrivateHeapServesAndTakesBack) {
  auto& heap = *this->heap_;
  auto* own = heap.heap_new();
  ASSERT_NE(own, nullptr);
  std::vector<std::pair<void*, size_t>> blocks;
  test::Random random(8);
  for (int i = 0; i < 3000; ++i) {
    const size_t bytes = random.below(40) == 0 ? random.size(2 * kMiB) : random.size(10000);
    const size_t align = size_t{1} << random.below(i % 100 == 0 ? 22 : 8);
    void* p = heap.heap_malloc(*own, bytes, align);
    ASSERT_NE(p, nullptr) << bytes << " aligned " << align;
    ASSERT_EQ(reinterpret_cast<uintptr_t>(p) % align, 0u);
    ASSERT_GE(heap.usable_size(p), bytes);
    fill(p, bytes, bytes);
    blocks.push_back({p, bytes});
    if (i % 3 != 0) {
      const size_t victim = random.below(blocks.size());
      EXPECT_TRUE(filled(blocks[victim].first, blocks[victim].second, blocks[victim].second));
      heap.free(blocks[victim].first);
      blocks[victim] = blocks.back();
      blocks.pop_back();
    }
  }
  EXPECT_EQ(heap.census(), blocks.size());
  on_threads(heap, 3, [&](unsigned t) {
    for (size_t i = t; i < blocks.size(); i += 3) {
      EXPECT_TRUE(filled(blocks[i].first, blocks[i].second, blocks[i].second));
      heap.free(blocks[i].first);
    }
  });
  EXPECT_EQ(heap.census(), 0u);
  heap.heap_delete(*own);
  EXPECT_EQ(heap.census(), 0u);
}

TYPED_TEST(AllocatorThreadsTest, PrivateHeapFromManyThreads) {
  auto& heap = *this->heap_;
  auto* own = heap.heap_new();
  on_threads(heap, 4, [&](unsigned t) {
    test::Random random(t);
    std::vector<std::pair<void*, size_t>> mine(20);
    for (int i = 0; i < 3000; ++i) {
      auto& [p, bytes] = mine[random.below(mine.size())];
      if (p != nullptr) {
        EXPECT_TRUE(filled(p, bytes, bytes));
        heap.free(p);
      }
      bytes = random.size(3000);
      p = heap.heap_malloc(*own, bytes, 16);
      fill(p, bytes, bytes);
    }
    for (auto& [p, bytes] : mine) heap.free(p);
  });
  EXPECT_EQ(heap.census(), 0u);
  heap.heap_delete(*own);
}

// Every block in it goes with it, small or large, also those that others freed or still have.
TYPED_TEST(AllocatorThreadsTest, DeletedHeapLeavesNothing) {
  auto& heap = *this->heap_;
  heap.free(heap.malloc(1));
  const size_t floor = heap.totals().arena_bytes;
  for (int round = 0; round < 8; ++round) {
    auto* own = heap.heap_new();
    ASSERT_NE(own, nullptr);
    std::vector<void*> blocks;
    for (int i = 0; i < 500; ++i) blocks.push_back(heap.heap_malloc(*own, static_cast<size_t>(i) * 20, 16));
    for (int i = 0; i < 5; ++i) blocks.push_back(heap.heap_malloc(*own, kMiB, 16));
    on_threads(heap, 2, [&](unsigned t) {
      for (size_t i = t; i < blocks.size() / 2; i += 2) heap.free(blocks[i]);
    });
    heap.heap_delete(*own);
    EXPECT_EQ(heap.census(), 0u);
    EXPECT_LE(heap.totals().arena_bytes, floor + Arena<TypeParam>::kSegmentBytes);
    EXPECT_EQ(heap.totals().live_large_bytes, 0u);
    on_threads(heap, 1, [&](unsigned) {  // the owner lives on as a thread's
      for (int i = 0; i < 100; ++i) heap.free(mark(heap.malloc(100), 100, 1));
    });
  }
  EXPECT_LE(heap.totals().owners, 4u);
}

TYPED_TEST(AllocatorThreadsTest, PrivateHeapOddRequests) {
  auto& heap = *this->heap_;
  auto* own = heap.heap_new();
  for (size_t align = 1; align <= 4 * kMiB; align *= 2) {
    void* p = heap.heap_malloc(*own, 0, align);
    ASSERT_NE(p, nullptr) << align;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % align, 0u);
  }
  EXPECT_EQ(heap.heap_malloc(*own, SIZE_MAX, 16), nullptr);
  EXPECT_EQ(heap.heap_malloc(*own, size_t{PTRDIFF_MAX} + 1, 16), nullptr);
  EXPECT_EQ(heap.heap_malloc(*own, 16, size_t{1} << 63), nullptr);
  heap.heap_delete(*own);
  EXPECT_EQ(heap.census(), 0u);
}

// Heaps are made and ended while other threads look for orphans and run out of memory.
TYPED_TEST(AllocatorThreadsTest, PrivateHeapsComeAndGoAmongThreads) {
  auto& heap = *this->heap_;
  on_threads(heap, 4, [&](unsigned t) {
    for (int i = 0; i < 40; ++i) {
      if (t % 2 == 0) {
        auto* own = heap.heap_new();
        for (int j = 0; j < 20; ++j) fill(heap.heap_malloc(*own, 100, 16), 100, 1);
        heap.heap_delete(*own);
      } else {
        std::vector<void*> blocks;
        for (int j = 0; j < 50; ++j) blocks.push_back(heap.malloc(2000));
        for (void* p : blocks) heap.free(p);
        heap.trim();
      }
    }
  });
  EXPECT_EQ(heap.census(), 0u);
}

// --- fork

// The child's status, or -1 where it died or hung.
template <class Body>
int in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TYPED_TEST(AllocatorThreadsTest, ForkWithThreadsAtWork) {
  auto& heap = *this->heap_;
  std::atomic<bool> stop{false};
  Ring ring(64);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      test::Random random(t);
      while (!stop.load(std::memory_order_relaxed)) {
        const size_t bytes = sizeof(Marked) + random.size(random.below(30) == 0 ? 2 * kMiB : 3000);
        void* p = heap.malloc(bytes);
        if (p == nullptr) continue;
        if (void* old = ring.swap(random.below(64), mark(p, bytes, 1)); old != nullptr) heap.free(old);
      }
      heap.thread_exit();
    });
  }
  std::vector<void*> mine;
  for (int i = 0; i < 200; ++i) mine.push_back(mark(heap.malloc(300), 300, static_cast<uint64_t>(i)));
  for (int i = 0; i < 12; ++i) {
    heap.fork_prepare();
    const int status = in_child([&] {
      heap.fork_child();
      for (void* p : mine) {
        if (!marked(p)) return 1;
        heap.free(p);
      }
      std::vector<void*> blocks;
      for (size_t n = 0; n < 2000; ++n) {
        const size_t bytes = 16 + n % 900 * 10;
        void* p = heap.malloc(bytes);
        if (p == nullptr) return 2;
        blocks.push_back(mark(p, bytes, n));
      }
      for (void* p : blocks) {
        if (!marked(p)) return 3;
        heap.free(p);
      }
      void* large = heap.malloc(5 * kMiB);
      if (large == nullptr) return 4;
      heap.free(large);
      heap.flush();
      heap.thread_exit();
      return test::FaultLog::get().take().empty() ? 0 : 5;
    });
    heap.fork_parent();
    ASSERT_EQ(status, 0) << "fork " << i;
  }
  stop = true;
  for (std::thread& t : threads) t.join();
  for (void* p : mine) heap.free(p);
  ring.drain([&](void* p) { heap.free(p); });
  heap.flush();
  EXPECT_EQ(heap.census(), 0u);
}

// Other threads at rest: the child can free what they made, and nothing of it is lost.
TYPED_TEST(AllocatorThreadsTest, ForkWithThreadsAtRest) {
  auto& heap = *this->heap_;
  std::barrier<> ready(4), done(4);
  std::vector<void*> blocks(3 * 50);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 50; ++i) blocks[t * 50 + i] = mark(heap.malloc(500), 500, i);
      ready.arrive_and_wait();
      done.arrive_and_wait();
      heap.thread_exit();
    });
  }
  void* own = heap.malloc(10);
  ready.arrive_and_wait();
  heap.fork_prepare();
  const int status = in_child([&] {
    heap.fork_child();
    if (heap.census() != blocks.size() + 1) return 1;
    for (void* p : blocks) {
      if (!marked(p)) return 2;
      heap.free(p);
    }
    heap.flush();
    if (heap.census() != 1) return 3;
    heap.trim();
    if (heap.totals().owners != 4 || heap.totals().arena_bytes > Arena<TypeParam>::kSegmentBytes) return 4;
    // A thread past its exit borrows an orphan for each call.
    for (int i = 0; i < 3; ++i) {
      heap.thread_exit();
      void* p = heap.malloc(100);
      if (p == nullptr) return 5;
      heap.free(p);
    }
    heap.free(own);
    return heap.census() == 0 ? 0 : 6;
  });
  heap.fork_parent();
  EXPECT_EQ(status, 0);
  EXPECT_EQ(heap.census(), blocks.size() + 1) << "the parent is as it was";
  done.arrive_and_wait();
  for (std::thread& t : threads) t.join();
  for (void* p : blocks) heap.free(p);
  heap.free(own);
  EXPECT_EQ(heap.census(), 0u);
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
