#include "heap/runs.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <vector>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using Lane = test::FaultLane;
constexpr unsigned kPages = Lane::kSegmentPages;

class RunsTest : public testing::Test {
 protected:
  RunsTest() {
    EXPECT_TRUE(core_->arena.init(core_->os, 8 * Arena<Lane>::kSegmentBytes));
  }
  ~RunsTest() override {
    runs_.release_all(*core_, stats_);
    EXPECT_EQ(core_->arena.in_use(), 0u);
    core_->arena.destroy(core_->os);
    EXPECT_EQ(core_->os.mapped(), 0u);
  }
  PageId alloc(unsigned pages, unsigned align = 1) {
    const PageId p = runs_.alloc(*core_, pages, align, zero_, stats_);
    if (p != kNoPage) {
      EXPECT_EQ(p % align, 0u);
      if (zero_) { EXPECT_TRUE(test::all_zero(at(p), pages * kPage)) << "said to read as zero"; }
      memset(at(p), 0x33, pages * kPage);
    }
    return p;
  }
  void free(PageId page, unsigned pages) { runs_.free(*core_, page, pages, now_ms_, stats_); }
  void purge(uint64_t deadline_ms) {
    Lock guard(core_->runs_lock);
    runs_.purge(*core_, deadline_ms, stats_, core_->runs_lock);
  }
  void* at(PageId p) { return reinterpret_cast<void*>(core_->arena.map().address(p)); }

  std::unique_ptr<Core<Lane>> core_ = std::make_unique<Core<Lane>>();
  Stats<test::NativeSync> stats_;
  Runs<Lane> runs_{1};
  uint64_t now_ms_ = 0;
  bool zero_ = false;
};

TEST_F(RunsTest, ARunThatComesBackTwice) {
  const PageId kept = alloc(1), twice = alloc(3);
  free(twice, 3);
  EXPECT_TRUE(test::no_faults());
  for (const unsigned inner : {0u, 2u}) {
    free(twice + inner, 1);
    const auto all = test::FaultLog::get().take();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].fault, Fault::kInternal);
    EXPECT_STREQ(all[0].evidence.detail, "a run came back to its segment twice");
  }
  EXPECT_TRUE(runs_.check(*core_));
  free(kept, 1);
}

TEST_F(RunsTest, RandomRunsNeverOverlap) {
  test::Random random(7);
  std::vector<std::pair<PageId, unsigned>> live;
  std::vector<bool> taken(8 * kPages);
  unsigned failed = 0;
  for (int step = 0; step < 20000; ++step) {
    if (live.size() < 4 || random.below(100) < 52) {
      const auto pages = static_cast<unsigned>(1 + random.below(random.below(8) == 0 ? 16 : 5));
      const PageId p = alloc(pages, 1u << random.below(random.below(4) == 0 ? 5 : 1));
      if (p == kNoPage) {
        ++failed;
        for (int i = 0; i < 10; ++i) {
          auto [q, n] = live.back();
          live.pop_back();
          for (unsigned k = 0; k < n; ++k) taken[q + k] = false;
          free(q, n);
        }
        continue;
      }
      for (unsigned k = 0; k < pages; ++k) {
        ASSERT_FALSE(taken[p + k]);
        taken[p + k] = true;
      }
      live.push_back({p, pages});
    } else {
      const size_t i = random.below(live.size());
      auto [p, n] = live[i];
      for (unsigned k = 0; k < n; ++k) taken[p + k] = false;
      free(p, n);
      live[i] = live.back();
      live.pop_back();
    }
    if (step % 50 == 0) { ASSERT_TRUE(runs_.check(*core_)); }
    if (step % 300 == 0) purge(UINT64_MAX);
  }
  EXPECT_GT(failed, 0u) << "the limit was never reached";
  EXPECT_TRUE(core_->arena.check());
  for (auto [p, n] : live) free(p, n);
  EXPECT_TRUE(runs_.check(*core_));
  EXPECT_LE(runs_.segments(), 1u) << "only the spare stays";
  runs_.release_spare(*core_, stats_);
  EXPECT_EQ(runs_.segments(), 0u);
  EXPECT_EQ(stats_.get(Event::kSegmentAcquire), stats_.get(Event::kSegmentRelease));
}

TEST_F(RunsTest, CheckSeesAWrongCount) {
  const PageId p = alloc(3);
  auto& segment = core_->arena.segment(Arena<Lane>::segment_of(p));
  ASSERT_TRUE(runs_.check(*core_));
  ++segment.free_pages;
  EXPECT_FALSE(runs_.check(*core_));
  --segment.free_pages;
  free(p, 3);
}

TEST_F(RunsTest, EverySegmentIsFilledBeforeTheNext) {
  std::vector<PageId> pages;
  for (unsigned i = 0; i < 8 * kPages; ++i) {
    pages.push_back(alloc(1));
    ASSERT_NE(pages.back(), kNoPage);
    ASSERT_EQ(runs_.segments(), i / kPages + 1);
  }
  EXPECT_EQ(alloc(1), kNoPage);
  free(pages[100], 1);
  EXPECT_EQ(alloc(2), kNoPage);
  EXPECT_EQ(alloc(1), pages[100]);
  for (PageId p : pages) free(p, 1);
}

TEST_F(RunsTest, OneSpareSegmentIsKept) {
  const PageId a = alloc(16), b = alloc(16), c = alloc(16), d = alloc(16), e = alloc(16);
  EXPECT_EQ(runs_.segments(), 2u);
  free(e, 16);
  EXPECT_EQ(runs_.segments(), 2u);
  for (PageId p : {a, b, c, d}) free(p, 16);
  EXPECT_EQ(runs_.segments(), 1u);
  const uint64_t acquired = stats_.get(Event::kSegmentAcquire);
  free(alloc(16), 16);
  EXPECT_EQ(stats_.get(Event::kSegmentAcquire), acquired) << "the spare served";
  EXPECT_TRUE(runs_.check(*core_));
}

TEST_F(RunsTest, TheSpareGoesAtItsDeadline) {
  now_ms_ = 500;
  free(alloc(16), 16);
  purge(499);
  EXPECT_EQ(runs_.segments(), 1u);
  purge(500);
  EXPECT_EQ(runs_.segments(), 0u);
}

// While the system is at it, the lock is open: what another thread does then is done at the unlock.
struct OpenLock {
  std::function<void()> meanwhile;
  void lock() {}
  void unlock() { meanwhile(); }
};

TEST_F(RunsTest, ASegmentThatIsBeingPurgedIsNoSpare) {
  std::vector<PageId> most, last;
  for (int i = 0; i < 8; ++i) {
    most.push_back(alloc(kPages - 1));
    last.push_back(alloc(1));
  }
  for (PageId page : most) free(page, kPages - 1);
  int opened = 0;
  OpenLock lock{[&] {
    if (opened == 0) free(last[0], 1);                     // but for what is being purged its segment is empty: the spare
    if (opened == 1) runs_.release_spare(*core_, stats_);  // as a trim does
    ++opened;
  }};
  runs_.purge(*core_, UINT64_MAX, stats_, lock);
  EXPECT_EQ(opened, 2);
  EXPECT_EQ(stats_.get(Event::kSegmentRelease), 0u);
  EXPECT_EQ(runs_.segments(), 8u);
  EXPECT_TRUE(runs_.check(*core_));
  EXPECT_TRUE(core_->arena.check());
}

TEST_F(RunsTest, WhetherPagesCameBackIsToldOnce) {
  EXPECT_FALSE(runs_.freed_since());
  const PageId p = alloc(1);
  EXPECT_FALSE(runs_.freed_since());
  free(p, 1);
  EXPECT_TRUE(runs_.freed_since());
  EXPECT_FALSE(runs_.freed_since());
}

TEST_F(RunsTest, AllGoBackAtOnce) {
  alloc(16);
  alloc(3);
  EXPECT_GT(runs_.segments(), 0u);
  runs_.release_all(*core_, stats_);
  EXPECT_EQ(runs_.segments(), 0u);
}

TEST_F(RunsTest, PurgeHonoursTheDeadline) {
  const PageId keep = alloc(1);
  now_ms_ = 500;
  const PageId p = alloc(8);
  free(p, 8);
  purge(499);
  EXPECT_EQ(stats_.get(Event::kPurge), 0u);
  purge(500);
  EXPECT_EQ(stats_.get(Event::kPurgePages), 8u);
  EXPECT_EQ(alloc(8), p);
  EXPECT_TRUE(zero_);
  free(p, 8);
  core_->os.fail(test::OsCall::kPurge, 1, true);
  purge(UINT64_MAX);
  EXPECT_EQ(alloc(8), p);
  EXPECT_FALSE(zero_) << "a purge that failed cleans nothing";
  free(p, 8);
  core_->os.heal();
  purge(UINT64_MAX);
  EXPECT_EQ(alloc(8), p);
  EXPECT_TRUE(zero_) << "and is tried again";
  free(p, 8);
  free(keep, 1);
}

}  // namespace
}  // namespace masu
