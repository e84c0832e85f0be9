// Misuse: which fault each bad pointer gives, that malloc never returns a live block afterwards, and that where faults
// are counted and ignored the heap stays whole.
#include "heap/diagnose.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using test::FaultLog;
using test::on_threads;

template <class Lane>
class DiagnoseTest : public testing::Test {
 protected:
  Fault fault_of_free(void* p) {
    heap_->free(p);
    const auto all = FaultLog::get().take();
    if (all.size() == 1) evidence = all[0].evidence;
    return all.empty() ? Fault::kNone : all.size() == 1 ? all[0].fault : Fault::kCount;
  }
  Fault fault_of_free(uintptr_t p) { return fault_of_free(reinterpret_cast<void*>(p)); }

  // Many allocations of the size; each different from all others and from what is live.
  void expect_no_block_twice(size_t bytes, std::set<void*> live) {
    std::vector<void*> fresh;
    for (int i = 0; i < 600; ++i) {
      void* p = heap_->malloc(bytes);
      if (p == nullptr) break;
      EXPECT_TRUE(live.insert(p).second) << "a live block was handed out again";
      fresh.push_back(p);
    }
    for (void* p : fresh) heap_->free(p);
    EXPECT_TRUE(test::no_faults());
  }

  // Neither way of an owner's free leaves another thread's link in a block that goes to the bin.
  void expect_no_link_in_the_bin(bool full) {
    std::vector<void*> blocks;
    for (int i = 0; i < 40; ++i) blocks.push_back(heap_->malloc(64));
    void* p = blocks[0];
    on_threads(*heap_, 1, [&](unsigned) { heap_->free(p); });
    auto& owner = *heap_->core().owners[0];
    const ClassId c = Classes<Lane>::of(64);
    if (full) owner.bins().set_limit(owner, c, Bins<Lane>::first_limit(c));
    for (; full && !owner.bins().full(owner, c); blocks.pop_back()) heap_->free(blocks.back());
    heap_->free(p);
    do {
      blocks.push_back(heap_->hit(64));
    } while (blocks.back() != p && blocks.back() != nullptr);
    ASSERT_EQ(blocks.back(), p) << "the bin has it";
    heap_->flush();
    EXPECT_EQ(FaultLog::get().take_one(), Fault::kCorruptLink);
    expect_no_block_twice(64, {blocks.begin(), blocks.end()});
  }

  test::TestHeap<Lane> heap_;
  Evidence evidence;
};
TYPED_TEST_SUITE(DiagnoseTest, test::Lanes);

constexpr size_t kSizes[] = {16, 48, 1000, 5000, 8192, 20000, 60000};

TYPED_TEST(DiagnoseTest, DoubleFreeAtOnce) {
  for (size_t bytes : kSizes) {
    void* p = this->heap_->malloc(bytes);
    this->heap_->free(p);
    EXPECT_EQ(this->fault_of_free(p), Fault::kDoubleFree) << bytes;
    EXPECT_EQ(this->evidence.address, reinterpret_cast<uintptr_t>(p));
    EXPECT_EQ(this->evidence.block, reinterpret_cast<uintptr_t>(p));
    EXPECT_GE(this->evidence.block_size, bytes);
    EXPECT_STREQ(this->evidence.where, "free");
    this->expect_no_block_twice(bytes, {});
  }
  EXPECT_EQ(this->heap_->census(), 0u);
}

TYPED_TEST(DiagnoseTest, DoubleFreeAmongOthers) {
  for (size_t bytes : kSizes) {
    std::vector<void*> blocks;
    for (int i = 0; i < 50; ++i) blocks.push_back(this->heap_->malloc(bytes));
    void* live = this->heap_->malloc(bytes);
    for (void* p : blocks) this->heap_->free(p);
    for (void* p : blocks) {
      const Fault f = this->fault_of_free(p);
      EXPECT_TRUE(f == Fault::kDoubleFree || f == Fault::kWildFree || f == Fault::kUnmappedFree) << bytes;
    }
    this->expect_no_block_twice(bytes, {live});
    this->heap_->free(live);
  }
  EXPECT_EQ(this->heap_->census(), 0u);
}

TYPED_TEST(DiagnoseTest, DoubleFreeByAnotherThread) {
  for (size_t bytes : kSizes) {
    void* keeps_the_slab = this->heap_->malloc(bytes);
    void* p = this->heap_->malloc(bytes);
    this->heap_->free(p);
    on_threads(*this->heap_, 1, [&](unsigned) {
      void* own = this->heap_->malloc(1);
      EXPECT_EQ(this->fault_of_free(p), Fault::kDoubleFree) << bytes;
      this->heap_->free(own);
    });
    this->expect_no_block_twice(bytes, {keeps_the_slab});
    this->heap_->free(keeps_the_slab);
  }
  EXPECT_EQ(this->heap_->census(), 0u);
}

// Two threads free the same block; the owner finds the second when it drains.
TYPED_TEST(DiagnoseTest, DoubleFreeInFlight) {
  auto& heap = *this->heap_;
  for (size_t bytes : kSizes) {
    void* keeps_the_slab = heap.malloc(bytes);
    void* p = heap.malloc(bytes);
    for (int i = 0; i < 2; ++i) on_threads(heap, 1, [&](unsigned) { heap.free(p); });
    heap.flush();
    EXPECT_EQ(FaultLog::get().take_one(), Fault::kDoubleFree) << bytes;
    this->expect_no_block_twice(bytes, {keeps_the_slab});
    heap.free(keeps_the_slab);
  }
}

// The owner frees a block that another thread freed before.
TYPED_TEST(DiagnoseTest, OwnerFreesWhatIsInFlight) {
  auto& heap = *this->heap_;
  for (size_t bytes : kSizes) {
    void* keeps_the_slab = heap.malloc(bytes);
    void* p = heap.malloc(bytes);
    on_threads(heap, 1, [&](unsigned) { heap.free(p); });
    heap.free(p);
    heap.flush();
    EXPECT_EQ(FaultLog::get().take_one(), Fault::kDoubleFree) << bytes;
    this->expect_no_block_twice(bytes, {keeps_the_slab});
    heap.free(keeps_the_slab);
  }
  EXPECT_EQ(heap.census(), 0u);
}

// The same, and the block was handed out and written to again before the drain: the link in it is gone. A run's second
// free is found at once.
TYPED_TEST(DiagnoseTest, OwnerFreesAndReusesWhatIsInFlight) {
  auto& heap = *this->heap_;
  for (size_t bytes : kSizes) {
    void* keeps_the_slab = heap.malloc(bytes);
    void* p = heap.malloc(bytes);
    on_threads(heap, 1, [&](unsigned) { heap.free(p); });
    heap.free(p);
    void* q = heap.malloc(bytes);
    EXPECT_EQ(q, p);
    test::fill(q, bytes, 1);
    heap.flush();
    EXPECT_FALSE(FaultLog::get().take().empty()) << bytes << " bytes: one block for two callers";
    heap.free(keeps_the_slab);
  }
}

// Threads free one run at once: one of them does, each of the others is told.
TYPED_TEST(DiagnoseTest, RacingFreesOfARun) {
  auto& heap = *this->heap_;
  constexpr unsigned kThreads = 3, kRounds = 600;
  std::vector<void*> blocks(kRounds);
  std::vector<std::atomic<unsigned>> arrived(kRounds);
  for (unsigned batch = 0; batch < kRounds; batch += 20) {
    for (unsigned i = batch; i < batch + 20; ++i) blocks[i] = heap.malloc(20000);
    on_threads(heap, kThreads, [&](unsigned) {
      heap.free(heap.malloc(16));
      for (unsigned i = batch; i < batch + 20; ++i) {
        arrived[i].fetch_add(1);
        while (arrived[i].load() < kThreads) std::this_thread::yield();
        heap.free(blocks[i]);
      }
    });
    heap.flush();
    unsigned faults = 0;
    // Told as what they look like by then: the run's pages may be free already.
    for (const auto& entry : FaultLog::get().take()) {
      faults += entry.fault == Fault::kDoubleFree || entry.fault == Fault::kWildFree || entry.fault == Fault::kUnmappedFree;
    }
    ASSERT_EQ(faults, 20 * (kThreads - 1));
    ASSERT_EQ(heap.census(), 0u);
  }
}

TYPED_TEST(DiagnoseTest, InteriorAndMisaligned) {
  for (size_t bytes : kSizes) {
    void* p = this->heap_->malloc(bytes);
    const auto at = reinterpret_cast<uintptr_t>(p);
    for (size_t off = 1; off < bytes; off += off < 64 ? 1 : 97) {
      ASSERT_EQ(this->fault_of_free(at + off), off % kGranule != 0 ? Fault::kMisalignedFree : Fault::kInteriorFree)
          << off << " bytes into " << bytes;
      ASSERT_EQ(this->evidence.block, at);
      ASSERT_EQ(this->evidence.address, at + off);
    }
    EXPECT_TRUE(this->heap_->is_live(p));
    this->expect_no_block_twice(bytes, {p});
    this->heap_->free(p);
    EXPECT_TRUE(test::no_faults());
  }
  EXPECT_EQ(this->heap_->census(), 0u);
}

// Inside the arena, where no block was ever handed out.
TYPED_TEST(DiagnoseTest, Wild) {
  auto& heap = *this->heap_;
  void* p = heap.malloc(48);
  auto& arena = heap.core().arena;
  const uintptr_t base = arena.map().base();
  const uintptr_t end = base + size_t{arena.planned()} * Arena<TypeParam>::kSegmentBytes;
  const uintptr_t segment_end = base + Arena<TypeParam>::kSegmentBytes;
  EXPECT_EQ(this->fault_of_free(segment_end - kPage), Fault::kWildFree) << "a free page of a segment in use";
  EXPECT_EQ(this->fault_of_free(segment_end - 8), Fault::kWildFree);
  // Beyond all segments in use: pages that tables exist for count as given back.
  auto expect_wild = [](Fault f, uintptr_t offset) {
    EXPECT_TRUE(f == Fault::kWildFree || f == Fault::kUnmappedFree) << "at " << offset;
  };
  for (uintptr_t far : {segment_end, segment_end + 16, base + (end - base) / 2, end - kPage, end - 16, end - 1}) {
    expect_wild(this->fault_of_free(far), far - base);
    EXPECT_EQ(heap.realloc(reinterpret_cast<void*>(far), 10), nullptr);
    expect_wild(FaultLog::get().take_one(), far - base);
    EXPECT_EQ(heap.usable_size(reinterpret_cast<void*>(far)), 0u);
    expect_wild(FaultLog::get().take_one(), far - base);
  }
  EXPECT_EQ(this->fault_of_free(end - 16), Fault::kWildFree);
  const uintptr_t tables_end = base + arena.map().granules() * kGranule;
  ASSERT_LT(tables_end, end);
  EXPECT_EQ(this->fault_of_free(tables_end - kPage), Fault::kUnmappedFree);
  EXPECT_EQ(this->fault_of_free(tables_end), Fault::kWildFree) << "the first page without tables";
  this->expect_no_block_twice(48, {p});
  heap.free(p);
}

TYPED_TEST(DiagnoseTest, BehindTheLastBlockOfASlab) {
  using C = Classes<TypeParam>;
  auto& heap = *this->heap_;
  for (ClassId c = 0; c < C::kPacked; ++c) {
    const size_t lost = C::slab_pages(c) * kPage - C::slab_blocks(c) * C::size(c);
    if (lost == 0) continue;
    void* p = heap.malloc(C::size(c));
    auto& map = heap.core().arena.map();
    const uintptr_t slab = map.address(map.slab_start(map.page(reinterpret_cast<uintptr_t>(p))));
    EXPECT_EQ(this->fault_of_free(slab + C::slab_pages(c) * kPage - lost), Fault::kWildFree) << C::size(c);
    heap.free(p);
  }
}

TYPED_TEST(DiagnoseTest, Unmapped) {
  auto& heap = *this->heap_;
  void* p = heap.malloc(48);
  void* q = heap.malloc(60000);
  heap.free(p);
  heap.free(q);
  heap.trim();
  EXPECT_EQ(this->fault_of_free(p), Fault::kUnmappedFree);
  EXPECT_EQ(this->fault_of_free(q), Fault::kUnmappedFree);
  EXPECT_EQ(heap.realloc(p, 10), nullptr);
  EXPECT_EQ(FaultLog::get().take_one(), Fault::kUnmappedFree);
  EXPECT_EQ(heap.usable_size(p), 0u);
  EXPECT_EQ(FaultLog::get().take_one(), Fault::kUnmappedFree);
  EXPECT_EQ(heap.census(), 0u);
}

int g_global;

TYPED_TEST(DiagnoseTest, Foreign) {
  int on_stack = 0;
  const auto on_heap = std::make_unique<int>(1);
  const uintptr_t strange[] = {1, 16, 4096, uintptr_t{1} << 47, UINTPTR_MAX, UINTPTR_MAX - 15};
  for (void* p : {static_cast<void*>(&on_stack), static_cast<void*>(&g_global), static_cast<void*>(on_heap.get()),
                  static_cast<void*>(&this->heap_)}) {
    EXPECT_EQ(this->fault_of_free(p), Fault::kForeignFree);
    EXPECT_EQ(this->heap_->realloc(p, 10), nullptr);
    EXPECT_EQ(FaultLog::get().take_one(), Fault::kForeignFree);
    EXPECT_EQ(this->heap_->usable_size(p), 0u);
    EXPECT_EQ(FaultLog::get().take_one(), Fault::kForeignFree);
  }
  for (uintptr_t p : strange) EXPECT_EQ(this->fault_of_free(p), Fault::kForeignFree) << p;
  test::TestHeap<TypeParam> other;
  void* theirs = other->malloc(100);
  EXPECT_EQ(this->fault_of_free(theirs), Fault::kForeignFree) << "another heap's";
  other->free(theirs);
}

TYPED_TEST(DiagnoseTest, LargeBlocks) {
  auto& heap = *this->heap_;
  void* p = heap.malloc(3 * kMiB);
  const auto at = reinterpret_cast<uintptr_t>(p);
  memset(p, 1, 3 * kMiB);
  EXPECT_EQ(this->fault_of_free(at + 16), Fault::kInteriorFree);
  EXPECT_EQ(this->evidence.block, at);
  EXPECT_EQ(this->evidence.block_size, 3 * kMiB);
  EXPECT_EQ(this->fault_of_free(at + 3 * kMiB - 16), Fault::kInteriorFree);
  EXPECT_EQ(this->fault_of_free(at + 3), Fault::kMisalignedFree);
  EXPECT_TRUE(test::filled(p, 0, 0));
  heap.free(p);
  EXPECT_EQ(this->fault_of_free(p), Fault::kDoubleFree) << "its mapping is kept for reuse";
  EXPECT_EQ(this->fault_of_free(at + 4096 + 16), Fault::kUnmappedFree) << "no block began there";
  heap.trim();
  EXPECT_EQ(this->fault_of_free(p), Fault::kForeignFree) << "nothing is known of it any more";
  void* a = heap.malloc(3 * kMiB);
  void* b = heap.malloc(3 * kMiB);
  EXPECT_NE(a, b);
  heap.free(a);
  heap.free(b);
  EXPECT_EQ(heap.census(), 0u);
}

TYPED_TEST(DiagnoseTest, BeforeTheFirstUse) {
  Allocator<TypeParam>& fresh = *std::make_unique<Allocator<TypeParam>>().release();
  const std::unique_ptr<Allocator<TypeParam>> owner(&fresh);
  int x = 0;
  fresh.free(nullptr);
  EXPECT_TRUE(test::no_faults());
  fresh.free(&x);
  EXPECT_EQ(FaultLog::get().take_one(), Fault::kForeignFree);
  EXPECT_EQ(fresh.malloc(10), nullptr);
  EXPECT_EQ(fresh.malloc(kGiB), nullptr);
}

TYPED_TEST(DiagnoseTest, FreedBlocksCannotBeReallocatedOrMeasuredIntoLife) {
  auto& heap = *this->heap_;
  for (size_t bytes : kSizes) {
    void* keep = heap.malloc(bytes);
    void* p = heap.malloc(bytes);
    heap.free(p);
    EXPECT_EQ(heap.realloc(p, 2 * bytes), nullptr);
    EXPECT_EQ(FaultLog::get().take_one(), Fault::kDoubleFree);
    EXPECT_EQ(heap.realloc(static_cast<char*>(keep) + 16, 2 * bytes), nullptr);
    if (bytes > 16) {
      EXPECT_EQ(FaultLog::get().take_one(), Fault::kInteriorFree);
    } else {
      FaultLog::get().take();
    }
    heap.free(keep);
  }
  EXPECT_EQ(heap.census(), 0u);
}

// A block in flight was written to: its link leads nowhere, which the drain sees.
TYPED_TEST(DiagnoseTest, CorruptLink) {
  auto& heap = *this->heap_;
  for (const uint64_t junk : {uint64_t{0}, uint64_t{0x4141414141414141}, ~uint64_t{0}}) {
    std::vector<void*> blocks;
    for (int i = 0; i < 3; ++i) blocks.push_back(heap.malloc(64));
    on_threads(heap, 1, [&](unsigned) {
      for (void* p : blocks) heap.free(p);
    });
    memcpy(blocks[2], &junk, sizeof(junk));  // the newest is followed first
    heap.flush();
    EXPECT_EQ(FaultLog::get().take_one(), Fault::kCorruptLink) << junk;
    this->expect_no_block_twice(64, {});
  }
}

// With the key known, to where there are no tables any more.
TYPED_TEST(DiagnoseTest, ForgedLink) {
  auto& heap = *this->heap_;
  void* p = heap.malloc(64);
  on_threads(heap, 1, [&](unsigned) { heap.free(p); });
  const auto& map = heap.core().arena.map();
  heap.core().links.set(reinterpret_cast<uintptr_t>(p), map.base() + map.granules() * kGranule);
  heap.flush();
  EXPECT_EQ(FaultLog::get().take_one(), Fault::kCorruptLink);
  this->expect_no_block_twice(64, {});
}

// Freed by another thread, then by its owner, and out again before the drain, with nothing written to it.
TYPED_TEST(DiagnoseTest, OutAgainBeforeTheDrain) { this->expect_no_link_in_the_bin(false); }
TYPED_TEST(DiagnoseTest, OutAgainFromABinThatWasFull) { this->expect_no_link_in_the_bin(true); }

// A stale link copied over another's leads nowhere either.
TYPED_TEST(DiagnoseTest, CopiedLink) {
  auto& heap = *this->heap_;
  std::vector<void*> blocks;
  for (int i = 0; i < 3; ++i) blocks.push_back(heap.malloc(64));
  on_threads(heap, 1, [&](unsigned) {
    for (void* p : blocks) heap.free(p);
  });
  memcpy(blocks[2], blocks[1], sizeof(void*));
  heap.flush();
  EXPECT_EQ(FaultLog::get().take_one(), Fault::kCorruptLink);
}

// misuse=count: every fault of the program's is counted, nothing stops, nothing is lost.
TYPED_TEST(DiagnoseTest, CountedAndIgnored) {
  HeapConfig config = test::TestHeap<TypeParam>::small();
  config.ignore_misuse = true;
  test::TestHeap<TypeParam> own(config);
  auto& heap = *own;
  test::Random random(2);
  uint64_t expected = 0;
  std::vector<void*> live;
  for (int step = 0; step < 4000; ++step) {
    const size_t bytes = 16 + random.below(9000);
    if (live.size() < 100) {
      live.push_back(heap.malloc(bytes));
      continue;
    }
    const size_t i = random.below(live.size());
    const auto at = reinterpret_cast<uintptr_t>(live[i]);
    switch (random.below(4)) {
      case 0:
        heap.free(live[i]);
        heap.free(live[i]);
        live[i] = live.back();
        live.pop_back();
        break;
      case 1: heap.free(reinterpret_cast<void*>(at + 1 + random.below(15))); break;
      case 2: heap.free(&heap); break;
      default: heap.free(reinterpret_cast<void*>(at ^ (uint64_t{1} << 46)));
    }
    ++expected;
  }
  EXPECT_EQ(heap.event(Event::kMisuse), expected);
  EXPECT_EQ(heap.census(), live.size());
  for (void* p : live) heap.free(p);
  EXPECT_EQ(heap.census(), 0u);
  heap.trim();
  EXPECT_EQ(heap.totals().arena_bytes, 0u);
}

}  // namespace
}  // namespace masu
