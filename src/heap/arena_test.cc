#include "heap/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using Lane = test::FaultLane;
using A = Arena<Lane>;

class ArenaTest : public testing::TestWithParam<bool> {  // whether segments are claimed one by one
 protected:
  ArenaTest() {
    if (GetParam()) os_.space_limit = 128 * kMiB;
  }
  ~ArenaTest() override {
    arena_.destroy(os_);
    EXPECT_EQ(os_.mapped(), 0u);
  }
  void init(size_t segments) { ASSERT_TRUE(arena_.init(os_, segments * A::kSegmentBytes)); }
  SegmentId acquire(uint32_t owner = 1) { return arena_.acquire(os_, owner, false, stats_); }
  void release(SegmentId s, uint64_t now = 0) {
    // As an owner leaves it: all pages free, some of them written to.
    memset(arena_.at(s), 0x77, kPage);
    arena_.segment(s).dirty.assign(0, 1, true);
    arena_.release(os_, s, now, stats_);
  }

  test::TestOs os_;
  A arena_;
  Stats<test::NativeSync> stats_;
};
INSTANTIATE_TEST_SUITE_P(ReservedAndClaimed, ArenaTest, testing::Bool(),
                         [](const auto& how) { return how.param ? "Claimed" : "Reserved"; });

TEST_P(ArenaTest, HugePagesAreAskedForOnceASegment) {
  init(2);
  const SegmentId s = arena_.acquire(os_, 1, true, stats_);
  EXPECT_EQ(os_.asked_huge, A::kSegmentBytes);
  acquire();
  EXPECT_EQ(os_.asked_huge, A::kSegmentBytes) << "asked for a segment that is not to have them";
  release(s);
  EXPECT_EQ(arena_.acquire(os_, 1, true, stats_), s);
  EXPECT_EQ(os_.asked_huge, A::kSegmentBytes);
}

TEST_P(ArenaTest, SegmentsAreAlignedZeroAndDistinct) {
  init(6);
  std::set<void*> seen;
  for (uint32_t i = 0; i < 6; ++i) {
    const SegmentId s = acquire(i + 1);
    ASSERT_NE(s, kNoSegment);
    void* p = arena_.at(s);
    EXPECT_TRUE(seen.insert(p).second);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % A::kSegmentBytes, 0u);
    EXPECT_TRUE(test::all_zero(p, A::kSegmentBytes));
    EXPECT_EQ(arena_.segment(s).owner, i + 1);
    EXPECT_TRUE(arena_.segment(s).empty());
    EXPECT_EQ(arena_.map().tag(A::first_page(s)), kTagFree);
    EXPECT_EQ(A::segment_of(arena_.map().page(reinterpret_cast<uintptr_t>(p))), s);
    memset(p, 1, A::kSegmentBytes);
  }
  EXPECT_EQ(acquire(), kNoSegment) << "the limit";
  EXPECT_EQ(arena_.in_use(), 6u);
  EXPECT_TRUE(arena_.check());
}

TEST_P(ArenaTest, KeptSegmentsAreServedFirst) {
  init(6);
  const SegmentId a = acquire(), b = acquire();
  release(a);
  EXPECT_EQ(arena_.map().tag(A::first_page(a)), kTagUnmapped);
  EXPECT_EQ(arena_.segment(a).owner, 0u);
  EXPECT_EQ(arena_.kept(), 1u);
  const uint64_t commits = stats_.get(Event::kSegmentCommit);
  EXPECT_EQ(acquire(), a);
  EXPECT_EQ(stats_.get(Event::kSegmentCommit), commits);
  EXPECT_TRUE(arena_.segment(a).dirty.test(0)) << "its bytes are still there";
  EXPECT_EQ(*static_cast<unsigned char*>(arena_.at(a)), 0x77);
  release(a);
  release(b);
  EXPECT_TRUE(arena_.check());
}

TEST_P(ArenaTest, DecayPurgesTheOldest) {
  init(6);
  const SegmentId a = acquire();
  release(a, 1000);
  arena_.decay(os_, 999, stats_);
  EXPECT_EQ(stats_.get(Event::kPurge), 0u);
  arena_.decay(os_, 1000, stats_);
  EXPECT_EQ(stats_.get(Event::kPurge), 1u);
  EXPECT_EQ(acquire(), a);
  EXPECT_FALSE(arena_.segment(a).dirty.test(0));
  EXPECT_TRUE(test::all_zero(arena_.at(a), A::kSegmentBytes));
  EXPECT_TRUE(arena_.check());
}

// Their tables go with them, once no segment is in use whose tags are on the same page of the machine.
TEST_P(ArenaTest, TablesOfPurgedSegmentsArePurged) {
  const size_t unit = PageMap<Lane::Sync>::tag_unit(os_.page_size()) / Lane::kSegmentPages;
  init(2 * unit);
  std::vector<SegmentId> all;
  for (size_t i = 0; i < 2 * unit; ++i) {
    all.push_back(acquire());
    const PageId page = A::first_page(all.back());
    arena_.map().slab(page).open = 77;
    arena_.map().set_tag(page, make_tag(3, 4));
  }
  auto open = [&](size_t i) { return arena_.map().slab(A::first_page(all[i])).open; };
  for (size_t i = 1; i < unit; ++i) release(all[i], 1000);
  arena_.decay(os_, 1000, stats_);
  EXPECT_EQ(open(0), 77u);
  EXPECT_EQ(arena_.map().tag(A::first_page(all[0])), make_tag(3, 4)) << "it is in use";
  release(all[0], 1000);
  arena_.decay(os_, 1000, stats_);
  for (size_t i = 0; i < unit; ++i) EXPECT_EQ(open(i), 0u) << i;
  for (size_t i = unit; i < 2 * unit; ++i) {
    EXPECT_EQ(open(i), 77u) << i;
    EXPECT_EQ(arena_.map().tag(A::first_page(all[i])), make_tag(3, 4)) << i;
  }
  for (size_t i = 0; i < unit; ++i) EXPECT_EQ(arena_.map().tag(A::first_page(acquire())), kTagFree);
}

TEST_P(ArenaTest, WhatIsCommittedWhileTheHeapIsWatchedIsInUseAfterwards) {
  init(4 * Lane::kChunkSegments);
  const SegmentId first = acquire();
  auto in_use = [&](SegmentId s) { return arena_.map().in_use(arena_.map().granule(reinterpret_cast<uintptr_t>(arena_.at(s)))); };
  EXPECT_TRUE(in_use(first));
  arena_.set_watched(true);
  SegmentId last = first;
  for (unsigned i = 0; i < 2 * Lane::kChunkSegments; ++i) last = acquire();
  EXPECT_FALSE(in_use(first));
  EXPECT_FALSE(in_use(last));
  arena_.set_watched(false);
  EXPECT_TRUE(in_use(first));
  EXPECT_TRUE(in_use(last));
}

// Else only some: nothing says that anyone will look at the clock again.
TEST_P(ArenaTest, AllThatComesBackIsKeptWhileTheHeapIsWatched) {
  init(8);
  for (const bool watched : {false, true}) {
    std::vector<SegmentId> all(6);
    for (SegmentId& s : all) s = acquire();
    arena_.set_watched(watched);
    const uint64_t before = stats_.get(Event::kPurge);
    for (const SegmentId s : all) release(s, 1000);
    EXPECT_EQ(stats_.get(Event::kPurge) - before, watched ? 0u : all.size() - Lane::kKeepSegments - 1);
    arena_.decay(os_, 1000, stats_);
    EXPECT_EQ(stats_.get(Event::kPurge) - before, all.size());
  }
}

TEST_P(ArenaTest, TrimReturnsAllKeptAndTheyServeAgain) {
  init(6);
  std::vector<SegmentId> all;
  for (int i = 0; i < 6; ++i) all.push_back(acquire());
  for (SegmentId s : all) release(s);
  EXPECT_EQ(arena_.trim(os_, stats_), 6 * A::kSegmentBytes);
  EXPECT_EQ(arena_.kept(), 0u);
  EXPECT_EQ(arena_.trim(os_, stats_), 0u);
  for (int i = 0; i < 6; ++i) {
    const SegmentId s = acquire();
    ASSERT_NE(s, kNoSegment);
    EXPECT_LT(s, 6u) << "an address range was lost";
    EXPECT_TRUE(test::all_zero(arena_.at(s), A::kSegmentBytes));
  }
  EXPECT_TRUE(arena_.check());
}

TEST_P(ArenaTest, FailuresLoseNothing) {
  init(6);
  using test::OsCall;
  const OsCall give = GetParam() ? OsCall::kClaim : OsCall::kCommit;
  os_.fail(give, 1, true);
  EXPECT_EQ(acquire(), kNoSegment);
  os_.heal();
  const SegmentId a = acquire();
  ASSERT_NE(a, kNoSegment);
  release(a);
  os_.fail(OsCall::kPurge, 1, true);
  EXPECT_EQ(arena_.trim(os_, stats_), 0u);
  EXPECT_EQ(arena_.kept(), 1u);
  os_.heal();
  if (!GetParam()) {
    os_.fail(OsCall::kDecommit, 1, true);
    EXPECT_EQ(arena_.trim(os_, stats_), 0u);
    EXPECT_EQ(arena_.kept(), 1u);
    os_.heal();
  }
  EXPECT_TRUE(arena_.check());
  EXPECT_EQ(arena_.trim(os_, stats_), A::kSegmentBytes);
  os_.fail(give, 1, true);
  EXPECT_EQ(acquire(), kNoSegment);
  os_.heal();
  EXPECT_NE(acquire(), kNoSegment);
  EXPECT_TRUE(arena_.check());
}

// Only where somebody else's mapping may lie in the way is another place looked for, and what is passed over is lost.
TEST_P(ArenaTest, APlaceThatIsRefused) {
  init(6);
  ASSERT_EQ(acquire(), 0u);
  os_.fail(GetParam() ? test::OsCall::kClaim : test::OsCall::kCommit, 1, false);
  EXPECT_EQ(acquire(), GetParam() ? 2u : kNoSegment);
  os_.heal();
  EXPECT_EQ(acquire(), GetParam() ? 3u : 1u);
  EXPECT_TRUE(arena_.check());
}

// The wish shrinks until the system agrees; nothing of the refused ones stays behind.
TEST_P(ArenaTest, AModestSystem) {
  os_.fail(test::OsCall::kReserve, 1, false);
  EXPECT_TRUE(arena_.init(os_, 0));
  EXPECT_NE(acquire(), kNoSegment);
}

TEST_P(ArenaTest, NoAddressSpaceAtAll) {
  os_.fail(test::OsCall::kReserve, 1, true);
  EXPECT_FALSE(arena_.init(os_, 0));
  EXPECT_FALSE(arena_.ready());
  EXPECT_EQ(os_.mapped(), 0u);
}

TEST_P(ArenaTest, LimitsRoundToSegments) {
  init(6);
  arena_.set_limit(1);
  EXPECT_NE(acquire(), kNoSegment) << "at least one";
  EXPECT_EQ(acquire(), kNoSegment);
  arena_.set_limit(3 * A::kSegmentBytes - 1);
  EXPECT_NE(acquire(), kNoSegment);
  EXPECT_EQ(acquire(), kNoSegment);
  arena_.set_limit(0);
  EXPECT_NE(acquire(), kNoSegment);
}

}  // namespace
}  // namespace masu
