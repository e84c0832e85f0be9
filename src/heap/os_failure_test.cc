// Every call of every OS function fails once, and from then on: null or success, never a crash, nothing lost. Each
// run of one scripted life of a heap counts to the n-th call; n grows until the script has no n-th call left.
#include <gtest/gtest.h>

#include "heap/allocator.h"
#include "heap/test_lanes.h"

namespace masu {
namespace {

using test::OsCall;

struct World {
  size_t space_limit;
  size_t page;
  bool limited_later = false;  // to the address space that is mapped when the heap is at work
};

template <class Lane>
class OsFailureTest : public testing::Test {
 protected:
  using Heap = Allocator<Lane>;

  // A heap's life with everything in it that asks the system for something. True where the plan came into effect.
  bool life(const World& world, OsCall call, uint64_t nth, bool persistently) {
    auto owned = std::make_unique<Heap>();
    Heap& heap = *owned;
    test::TestOs& os = heap.core().os;
    os.space_limit = world.space_limit;
    os.page = world.page;
    HeapConfig config;
    config.arena_limit = 10 * Arena<Lane>::kSegmentBytes;
    config.decay_ms = 100;
    config.large_cache = 4 * kMiB;
    os.fail(call, nth, persistently);
    if (!heap.init(config)) {
      EXPECT_EQ(heap.malloc(10), nullptr);
      os.heal();
      EXPECT_TRUE(heap.init(config)) << "a heap that could not start can be started later";
    }
    {
      test::Churn blocks(heap, 7, 2 * Heap::C::kMaxSize);
      script(heap, blocks, world);
      const bool failed = os.failures(call) != 0;
      EXPECT_EQ(heap.census(), blocks.live());
      os.heal();
      os.space_limit = world.space_limit;
      // Well again: everything is to be had.
      void* p = heap.malloc(100);
      void* q = heap.malloc(4 * kMiB);
      EXPECT_NE(p, nullptr);
      EXPECT_NE(q, nullptr);
      heap.free(p);
      heap.free(q);
      blocks.steps(60);
      blocks.free_all();
      heap.flush();
      heap.trim();
      EXPECT_EQ(heap.census(), 0u);
      EXPECT_EQ(heap.totals().arena_bytes, 0u) << "a segment was lost";
      EXPECT_EQ(heap.totals().kept_bytes, 0u);
      EXPECT_EQ(heap.totals().live_large_bytes + heap.totals().cached_large_bytes, 0u);
      EXPECT_EQ(heap.event(Event::kSegmentAcquire), heap.event(Event::kSegmentRelease));
      EXPECT_EQ(heap.event(Event::kStashOwn), 0u);
      heap.destroy();
      EXPECT_EQ(os.mapped(), 0u) << "address space was lost";
      EXPECT_TRUE(test::no_faults());
      return failed;
    }
  }

  static void script(Heap& heap, test::Churn<Heap>& blocks, const World& world) {
    blocks.steps(80);
    if (world.limited_later) heap.core().os.space_limit = heap.core().os.mapped();
    // Large blocks that grow and shrink where they are, and mappings that are kept and used again.
    constexpr size_t kLarge = 2 * Heap::C::kMaxSize;
    for (int i = 0; i < 4; ++i) {
      void* p = heap.malloc(kLarge);
      if (p == nullptr) continue;
      test::fill(p, kLarge, 3);
      if (void* wider = heap.realloc(p, 3 * kLarge); wider != nullptr) p = wider;
      EXPECT_TRUE(test::filled(p, kLarge, 3));
      if (void* narrower = heap.realloc(p, kLarge); narrower != nullptr) p = narrower;
      EXPECT_TRUE(test::filled(p, kLarge, 3));
      heap.free(p);
    }
    // Segments come and go, by decay and by force.
    for (int i = 0; i < 3; ++i) {
      std::vector<void*> run;
      for (int j = 0; j < 24; ++j) run.push_back(heap.malloc(60000));
      for (void* p : run) heap.free(p);
      heap.core().os.clock_ms += 1000;
      blocks.steps(40);
      heap.flush();
      if (i == 1) heap.purge(true);
      if (i == 2) heap.trim();
    }
    // Threads and private heaps need owners.
    test::on_threads(heap, 2, [&](unsigned t) { test::Churn(heap, t, 60000).steps(40); });
    if (auto* own = heap.heap_new(); own != nullptr) {
      for (size_t i = 0; i < 40; ++i) {
        void* p = heap.heap_malloc(*own, i * 500, 16);
        if (i % 2 == 0) heap.free(p);
      }
      heap.heap_malloc(*own, 2 * kMiB, 16);
      heap.heap_delete(*own);
    }
    blocks.steps(40);
    heap.trim();
    blocks.steps(40);
  }

  void sweep(const World& world) {
    for (size_t c = 0; c < static_cast<size_t>(OsCall::kCount); ++c) {
      for (const bool persistently : {false, true}) {
        uint64_t n = 1;
        while (life(world, static_cast<OsCall>(c), n, persistently)) {
          if (this->HasFailure()) {
            ADD_FAILURE() << "when call " << n << " of " << test::kOsCallNames[c] << " failed" << (persistently ? " and all later ones" : "");
            return;
          }
          // Every call at first; where a lane makes hundreds, one in some.
          n += 1 + n / 64;
        }
        reached_[c] += n - 1;
      }
    }
  }
  uint64_t reached_[static_cast<size_t>(OsCall::kCount)] = {};
};
TYPED_TEST_SUITE(OsFailureTest, test::TestOsLanes);

TYPED_TEST(OsFailureTest, EveryCallOfEveryFunction) {
  this->sweep({SIZE_MAX, kPage});
  for (OsCall call : {OsCall::kReserve, OsCall::kCommit, OsCall::kDecommit, OsCall::kPurge, OsCall::kMap, OsCall::kRemap}) {
    EXPECT_GT(this->reached_[static_cast<size_t>(call)], 0u) << test::kOsCallNames[static_cast<size_t>(call)] << " was never called";
  }
}

TYPED_TEST(OsFailureTest, EveryCallWhereSegmentsAreClaimed) {
  this->sweep({256 * kMiB, kPage});
  EXPECT_GT(this->reached_[static_cast<size_t>(OsCall::kClaim)], 0u);
}

TYPED_TEST(OsFailureTest, EveryCallUnderALimitSetLater) {
  this->sweep({SIZE_MAX, kPage, true});
  EXPECT_GT(this->reached_[static_cast<size_t>(OsCall::kClaim)], 0u);
}

TYPED_TEST(OsFailureTest, EveryCallOnLargeMachinePages) { this->sweep({SIZE_MAX, 64 * kKiB}); }

}  // namespace
}  // namespace masu
