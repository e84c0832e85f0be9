// One thread: what malloc, free, calloc, realloc and alignment promise, against a model.
#include "heap/allocator.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using test::all_zero;
using test::fill;
using test::filled;

template <class Lane>
class AllocatorBlocksTest : public testing::Test {
 protected:
  using HeapT = Allocator<Lane>;
  test::TestHeap<Lane> heap_;
};
TYPED_TEST_SUITE(AllocatorBlocksTest, test::Lanes);

// Every block it holds, by address: no overlap, contents as written, usable size stable.
template <class Heap>
class Model {
 public:
  explicit Model(Heap& heap) : heap_(heap) {}

  void add(void* p, size_t bytes, size_t align, bool zeroed) {
    const auto at = reinterpret_cast<uintptr_t>(p);
    ASSERT_NE(p, nullptr);
    ASSERT_EQ(at % max_of<size_t>(align, kGranule), 0u);
    const size_t usable = heap_.usable_size(p);
    ASSERT_GE(usable, bytes);
    if (zeroed) { ASSERT_TRUE(all_zero(p, bytes)); }
    const auto after = blocks_.lower_bound(at);
    if (after != blocks_.end()) { ASSERT_LE(at + usable, after->first) << "overlaps the next block"; }
    if (after != blocks_.begin()) {
      const auto before = std::prev(after);
      ASSERT_LE(before->first + before->second.usable, at) << "overlaps the block before";
    }
    blocks_[at] = {usable, ++generation_};
    fill(p, usable, generation_);
  }
  // A live block at random, checked.
  void* pick(test::Random& random, size_t& usable, uint64_t& key) {
    auto it = blocks_.lower_bound(random.next() % (blocks_.rbegin()->first - blocks_.begin()->first + 1) + blocks_.begin()->first);
    void* p = reinterpret_cast<void*>(it->first);
    usable = it->second.usable;
    key = it->second.key;
    EXPECT_EQ(heap_.usable_size(p), usable);
    EXPECT_TRUE(filled(p, usable, key)) << "somebody wrote into a live block";
    return p;
  }
  void remove(void* p) { blocks_.erase(reinterpret_cast<uintptr_t>(p)); }
  size_t size() const { return blocks_.size(); }

 private:
  struct Block {
    size_t usable;
    uint64_t key;
  };
  Heap& heap_;
  std::map<uintptr_t, Block> blocks_;
  uint64_t generation_ = 0;
};

TYPED_TEST(AllocatorBlocksTest, RandomOperationsAgreeWithTheModel) {
  auto& heap = *this->heap_;
  using C = typename TestFixture::HeapT::C;
  Model model(heap);
  const size_t most = 2 * C::kMaxSize;
  for (uint64_t seed : {1, 2, 3}) {
    test::Random random(seed);
    for (int step = 0; step < 12000; ++step) {
      const size_t target = step / 2000 % 2 == 0 ? 400 : 20;  // grows and shrinks by turns
      const size_t bytes = random.below(50) == 0 ? random.size(most) : random.size(C::kMaxSize / 8);
      size_t usable = 0;
      uint64_t key = 0;
      if (model.size() < 2 || random.below(2 * target) > model.size()) {
        const size_t align = random.below(4) == 0 ? size_t{1} << random.below(14) : 1;
        switch (random.below(3)) {
          case 0: model.add(heap.malloc(bytes), bytes, 1, false); break;
          case 1: model.add(heap.calloc(bytes), bytes, 1, true); break;
          default: model.add(heap.aligned(bytes, align), bytes, align, false);
        }
      } else if (random.below(4) == 0) {
        void* p = model.pick(random, usable, key);
        void* q = heap.realloc(p, bytes);
        ASSERT_NE(q, nullptr);
        ASSERT_TRUE(filled(q, min_of(usable, bytes), key)) << "realloc lost contents";
        model.remove(p);
        model.add(q, bytes, 1, false);
      } else {
        void* p = model.pick(random, usable, key);
        heap.free(p);
        model.remove(p);
        ASSERT_FALSE(heap.is_live(p));
      }
      if (this->HasFatalFailure()) return;
      if (step % 1000 == 0) { ASSERT_EQ(heap.census(), model.size()); }
    }
  }
  test::Random random(9);
  while (model.size() > 0) {
    size_t usable = 0;
    uint64_t key = 0;
    void* p = model.pick(random, usable, key);
    heap.free(p);
    model.remove(p);
  }
  EXPECT_EQ(heap.census(), 0u);
  EXPECT_EQ(heap.arena_live_bytes(), 0u);
}

TYPED_TEST(AllocatorBlocksTest, EverySizeClassAndItsNeighbours) {
  auto& heap = *this->heap_;
  using C = typename TestFixture::HeapT::C;
  std::vector<void*> blocks;
  for (ClassId c = 0; c < C::kCount; ++c) {
    for (size_t bytes : {C::size(c) - 1, C::size(c), C::size(c) + 1}) {
      void* p = heap.malloc(bytes);
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(heap.usable_size(p), heap.good_size(bytes));
      EXPECT_GE(heap.usable_size(p), bytes);
      fill(p, bytes, bytes);
      blocks.push_back(p);
    }
  }
  size_t i = 0;
  for (ClassId c = 0; c < C::kCount; ++c) {
    for (size_t bytes : {C::size(c) - 1, C::size(c), C::size(c) + 1}) EXPECT_TRUE(filled(blocks[i++], bytes, bytes));
  }
  EXPECT_EQ(heap.census(), blocks.size());
  for (void* p : blocks) heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
}

TYPED_TEST(AllocatorBlocksTest, NullAndNothing) {
  auto& heap = *this->heap_;
  heap.free(nullptr);
  EXPECT_EQ(heap.usable_size(nullptr), 0u);
  void* p = heap.malloc(0);
  void* q = heap.malloc(0);
  EXPECT_NE(p, nullptr);
  EXPECT_NE(p, q);
  heap.free(p);
  heap.free(q);
  void* r = heap.realloc(nullptr, 40);
  EXPECT_GE(heap.usable_size(r), 40u);
  heap.free(r);
  for (size_t align = 1; align <= 4 * kMiB; align *= 2) {
    void* a = heap.aligned(0, align);
    ASSERT_NE(a, nullptr) << align;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % align, 0u);
    heap.free(a);
  }
}

TYPED_TEST(AllocatorBlocksTest, ImpossibleSizes) {
  auto& heap = *this->heap_;
  const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - kPage, size_t{PTRDIFF_MAX} + 1, size_t{PTRDIFF_MAX}, PTRDIFF_MAX - kPage};
  void* p = heap.malloc(100);
  fill(p, 100, 1);
  for (size_t bytes : sizes) {
    EXPECT_EQ(heap.malloc(bytes), nullptr);
    EXPECT_EQ(heap.calloc(bytes), nullptr);
    EXPECT_EQ(heap.realloc(p, bytes), nullptr);
    for (size_t align = 1; align != 0; align *= 2) EXPECT_EQ(heap.aligned(bytes, align), nullptr);
  }
  EXPECT_EQ(heap.aligned(1, size_t{1} << 63), nullptr);
  EXPECT_EQ(heap.aligned(1, size_t{1} << 62), nullptr);
  EXPECT_TRUE(filled(p, 100, 1));
  heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
}

TYPED_TEST(AllocatorBlocksTest, AlignedUpToFourMebibytes) {
  auto& heap = *this->heap_;
  for (size_t align = 1; align <= 4 * kMiB; align *= 2) {
    std::vector<void*> blocks;
    for (size_t bytes : {size_t{1}, size_t{16}, size_t{100}, size_t{5000}, size_t{40000}, size_t{300000}, size_t{5} << 20}) {
      void* p = heap.aligned(bytes, align);
      ASSERT_NE(p, nullptr) << bytes << " aligned " << align;
      ASSERT_EQ(reinterpret_cast<uintptr_t>(p) % align, 0u);
      ASSERT_GE(heap.usable_size(p), bytes);
      fill(p, bytes, bytes);
      blocks.push_back(p);
    }
    size_t i = 0;
    for (size_t bytes : {size_t{1}, size_t{16}, size_t{100}, size_t{5000}, size_t{40000}, size_t{300000}, size_t{5} << 20}) {
      EXPECT_TRUE(filled(blocks[i], bytes, bytes));
      void* q = heap.realloc(blocks[i], bytes + bytes / 2);
      ASSERT_NE(q, nullptr);
      EXPECT_TRUE(filled(q, bytes, bytes));
      heap.free(q);
      ++i;
    }
    ASSERT_EQ(heap.census(), 0u) << align;
  }
}

// Freed blocks hold old bytes; purged ones and fresh ones hold none; calloc hides the difference.
TYPED_TEST(AllocatorBlocksTest, CallocIsZeroAfterEveryPast) {
  auto& heap = *this->heap_;
  using C = typename TestFixture::HeapT::C;
  const size_t sizes[] = {1, 16, 100, 1024, 4096, 8192, 8193, 12288, 20000, 60000, C::kMaxSize, C::kMaxSize + 1, 2 * C::kMaxSize};
  for (int round = 0; round < 6; ++round) {
    std::vector<void*> blocks;
    for (int i = 0; i < 6; ++i) {
      for (size_t bytes : sizes) {
        void* p = heap.calloc(bytes);
        ASSERT_NE(p, nullptr);
        ASSERT_TRUE(all_zero(p, bytes)) << bytes << " in round " << round;
        memset(p, 0xEE, heap.usable_size(p));
        blocks.push_back(p);
      }
    }
    for (void* p : blocks) heap.free(p);
    if (round % 3 == 1) heap.flush();
    if (round % 3 == 2) heap.trim();
  }
  EXPECT_EQ(heap.census(), 0u);
}

// Purging only part of a free run: its edges stay dirty.
TYPED_TEST(AllocatorBlocksTest, CallocIsZeroBesideLiveRuns) {
  auto& heap = *this->heap_;
  test::Random random(4);
  std::vector<void*> blocks(40);
  for (int step = 0; step < 3000; ++step) {
    void*& p = blocks[random.below(blocks.size())];
    if (p != nullptr) {
      heap.free(p);
      p = nullptr;
      if (random.below(4) == 0) heap.flush();
      if (random.below(8) == 0) heap.purge(true);
      continue;
    }
    const size_t bytes = kPackedMax + 1 + random.below(50000);
    p = heap.calloc(bytes);
    ASSERT_NE(p, nullptr);
    ASSERT_TRUE(all_zero(p, bytes)) << "step " << step;
    memset(p, 0xEE, heap.usable_size(p));
  }
  for (void* p : blocks) heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
}

TYPED_TEST(AllocatorBlocksTest, ReallocKeepsContentsAcrossEveryBorder) {
  auto& heap = *this->heap_;
  using C = typename TestFixture::HeapT::C;
  const size_t sizes[] = {1, 15, 16, 17, 64, 1000, 4096, 8192, 8193, 30000, C::kMaxSize, C::kMaxSize + 1, 3 * C::kMaxSize, 9 * C::kMaxSize};
  for (size_t from : sizes) {
    for (size_t to : sizes) {
      void* p = heap.malloc(from);
      ASSERT_NE(p, nullptr);
      fill(p, from, from);
      void* q = heap.realloc(p, to);
      ASSERT_NE(q, nullptr) << from << " to " << to;
      ASSERT_GE(heap.usable_size(q), to);
      ASSERT_TRUE(filled(q, min_of(from, to), from)) << from << " to " << to;
      memset(q, 1, heap.usable_size(q));
      heap.free(q);
    }
  }
  EXPECT_EQ(heap.census(), 0u);
}

TYPED_TEST(AllocatorBlocksTest, ShrinkingGivesBack) {
  auto& heap = *this->heap_;
  void* p = heap.realloc(heap.malloc(30000), 100);
  EXPECT_LE(heap.usable_size(p), 128u);
  void* q = heap.realloc(heap.malloc(16 * kMiB), kMiB);
  EXPECT_LE(heap.usable_size(q), kMiB);
  heap.free(p);
  heap.free(q);
}

// A block of 64 bytes is too small to be worth a move, one of the next class is not.
TYPED_TEST(AllocatorBlocksTest, TheLeastBlocksStayWhereTheyAre) {
  auto& heap = *this->heap_;
  void* p = heap.malloc(64);
  EXPECT_EQ(heap.realloc(p, 1), p);
  void* q = heap.realloc(heap.malloc(65), 1);
  EXPECT_EQ(heap.usable_size(q), heap.good_size(1));
  heap.free(p);
  heap.free(q);
}

TYPED_TEST(AllocatorBlocksTest, ACachedBlockThatIsLiveIsNamed) {
  auto& heap = *this->heap_;
  void* p = heap.malloc(100);
  heap.free(p);
  auto& map = heap.core().arena.map();
  ASSERT_TRUE(map.set_live(reinterpret_cast<uintptr_t>(p)));
  EXPECT_EQ(heap.malloc(100), p);
  const auto all = test::FaultLog::get().take();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].fault, Fault::kInternal);
  EXPECT_EQ(all[0].evidence.address, reinterpret_cast<uintptr_t>(p));
  EXPECT_STREQ(all[0].evidence.detail, "a cached block is live");
  heap.free(p);
}

// Runs that calloc or aligned takes past the bins still see what other threads freed (else they pile up for ever).
TYPED_TEST(AllocatorBlocksTest, RunsPastTheBinsAreFedByRemoteFrees) {
  auto& heap = *this->heap_;
  for (const bool zeroed : {true, false}) {
    uint32_t before = 0;
    for (int round = 0; round < 40; ++round) {
      std::vector<void*> blocks;
      for (int i = 0; i < 32; ++i) {
        void* p = zeroed ? heap.calloc(20000) : heap.aligned(20000, 2 * kPage);
        ASSERT_NE(p, nullptr);
        blocks.push_back(p);
      }
      test::on_threads(heap, 1, [&](unsigned) {
        for (void* p : blocks) heap.free(p);
      });
      if (round == 4) before = heap.core().arena.in_use();
    }
    EXPECT_LE(heap.core().arena.in_use(), before + 1) << (zeroed ? "calloc" : "aligned");
  }
  EXPECT_EQ(heap.census(), 0u);
}

// So does a thread that asks for nothing else, and whose blocks of other sizes wait in its inbox.
TYPED_TEST(AllocatorBlocksTest, RunsPastTheBinsEmptyTheInbox) {
  auto& heap = *this->heap_;
  std::vector<void*> runs;
  for (const bool zeroed : {true, false}) {
    void* small = heap.malloc(100);
    test::on_threads(heap, 1, [&](unsigned) { heap.free(small); });
    ASSERT_TRUE(heap.core().owners[0]->inbox_filled());
    runs.push_back(zeroed ? heap.calloc(20000) : heap.aligned(20000, 2 * kPage));
    EXPECT_FALSE(heap.core().owners[0]->inbox_filled()) << (zeroed ? "calloc" : "aligned");
  }
  for (void* p : runs) heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
}

}  // namespace
}  // namespace masu
