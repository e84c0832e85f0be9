// Private heaps: one lease each, frees by others, their end.
#include "heap/allocator.h"

#include <gtest/gtest.h>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using test::fill;
using test::filled;
using test::mark;
using test::on_threads;

template <class Lane>
class AllocatorPrivateTest : public testing::Test {
 protected:
  test::TestHeap<Lane> heap_;
};
TYPED_TEST_SUITE(AllocatorPrivateTest, test::Lanes);

TYPED_TEST(AllocatorPrivateTest, PrivateHeapServesAndTakesBack) {
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

TYPED_TEST(AllocatorPrivateTest, PrivateHeapFromManyThreads) {
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
TYPED_TEST(AllocatorPrivateTest, DeletedHeapLeavesNothing) {
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

TYPED_TEST(AllocatorPrivateTest, PrivateHeapOddRequests) {
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
TYPED_TEST(AllocatorPrivateTest, PrivateHeapsComeAndGoAmongThreads) {
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

}  // namespace
}  // namespace masu
