// Machines that give less: address-space limits from the start and later, pages larger than ours.
#include "heap/allocator.h"

#include <gtest/gtest.h>

#include <cstring>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using test::on_threads;
using test::TestHeap;

template <class Lane>
class AllocatorMachineTest : public testing::Test {};
TYPED_TEST_SUITE(AllocatorMachineTest, test::TestOsLanes);

// --- address-space limit: segments are claimed one by one

template <class Lane>
auto claiming() {
  return [](test::TestOs& os) { os.space_limit = 256 * kMiB; };
}

TYPED_TEST(AllocatorMachineTest, ClaimedSegments) {
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
TYPED_TEST(AllocatorMachineTest, ClaimsGoRoundOtherMappings) {
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
TYPED_TEST(AllocatorMachineTest, AReturnedSegmentMayBeTakenByOthers) {
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

// --- an address-space limit set after the start: the reserved range counts against it, until a mapping fails

TYPED_TEST(AllocatorMachineTest, ALimitSetLaterReturnsTheRange) {
  constexpr size_t kLimit = 32 * kMiB;
  for (const size_t page : {kPage, 64 * kKiB}) {
    TestHeap<TypeParam> own(HeapConfig{}, [page](test::TestOs& os) { os.page = page; });
    auto& heap = *own;
    test::TestOs& os = heap.core().os;
    auto& arena = heap.core().arena;
    EXPECT_GT(os.mapped(), 2 * kLimit);
    test::Churn churn(heap, 1, 600 * kKiB);
    churn.steps(500);
    os.space_limit = kLimit;
    heap.free(heap.malloc(4 * kMiB));
    EXPECT_LT(os.mapped(), kLimit);
    EXPECT_TRUE(arena.check());
    churn.steps(500);
    EXPECT_EQ(churn.nulls, 0u);
    // Lifted again: the arena outgrows the tables that it had kept.
    os.space_limit = SIZE_MAX;
    const size_t known = kLimit / arena.kSegmentBytes + 2 * TypeParam::kChunkSegments;
    std::vector<void*> blocks;
    while (arena.ever_used() < known) {
      void* p = heap.malloc(60000);
      if (p == nullptr) break;  // a sanitizer has mapped memory of its own in the range that was given back
      blocks.push_back(p);
    }
    EXPECT_GT(blocks.size(), 10u);
    for (void* p : blocks) heap.free(p);
    churn.free_all();
    heap.trim();
    EXPECT_EQ(heap.census(), 0u);
    EXPECT_EQ(own.resident_pages(), 0u);
  }
}

// The kernel puts new mappings into the range that was given back: large blocks there are freed, measured and moved as any other.
TYPED_TEST(AllocatorMachineTest, LargeBlocksInsideTheRangeThatWasReturned) {
  TestHeap<TypeParam> own;
  auto& heap = *own;
  heap.free(heap.malloc(1));
  auto& arena = heap.core().arena;
  heap.core().os.space_limit = heap.core().os.mapped();
  std::vector<void*> large{heap.calloc(4 * kMiB)};
  heap.core().os.map_at = reinterpret_cast<uintptr_t>(arena.at(arena.ever_used() + 2));
  while (large.size() < 3) large.push_back(heap.calloc(4 * kMiB));
  std::vector<void*> small;  // of segments around them
  while (arena.in_use() < 6) {
    small.push_back(heap.malloc(60000));
    ASSERT_NE(small.back(), nullptr);
  }
  for (size_t i : {1u, 2u}) EXPECT_TRUE(arena.map().covers(reinterpret_cast<uintptr_t>(large[i])));
  for (void*& p : large) {
    EXPECT_EQ(heap.usable_size(p), 4 * kMiB);
    p = heap.realloc(p, 5 * kMiB);
    ASSERT_NE(p, nullptr);
    memset(p, 1, 5 * kMiB);
  }
  for (void* p : small) memset(p, 2, 60000);
  for (void* p : large) heap.free(p);
  heap.free(large[0]);
  EXPECT_EQ(test::FaultLog::get().take_one(), Fault::kDoubleFree);
  for (void* p : small) heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
}

// --- machine pages larger than ours

TYPED_TEST(AllocatorMachineTest, LargeMachinePages) {
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
TYPED_TEST(AllocatorMachineTest, PurgeTouchesWholeMachinePagesOnly) {
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
