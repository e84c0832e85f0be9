#include "heap/window.h"

#include <gtest/gtest.h>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using Lane = test::TinyLane;

class WindowTest : public testing::Test {
 protected:
  WindowTest() { window_.begin_watch(7); }
  void serve(unsigned n) {
    for (unsigned i = 0; i < n; ++i) EXPECT_TRUE(window_.has_served(0, bin_));
  }
  uintptr_t bin_[4] = {};
  Window<Lane> window_;
};

TEST_F(WindowTest, IsOverAfterSoManyMallocsOfAllClasses) {
  for (unsigned i = 0; i + 1 < Lane::kWatchedPerMs; ++i) EXPECT_TRUE(window_.has_served(static_cast<ClassId>(i % 2), bin_));
  EXPECT_FALSE(window_.is_over(1));
  serve(1);
  EXPECT_TRUE(window_.is_over(1));
  EXPECT_FALSE(window_.is_over(2));
  EXPECT_EQ(window_.begin(7), 1u) << "the second";
  EXPECT_FALSE(window_.is_over(1));
  window_.begin_watch(7);
  EXPECT_EQ(window_.begin(7), 1u);
}

// Frees alone move the top up.
TEST_F(WindowTest, ABinHasServedWhereItsTopIsNoHigher) {
  EXPECT_TRUE(window_.has_served(0, bin_ + 1)) << "as far as is known";
  EXPECT_FALSE(window_.has_served(0, bin_ + 2));
  EXPECT_FALSE(window_.has_served(0, bin_ + 3));
  EXPECT_TRUE(window_.has_served(0, bin_ + 3));
  EXPECT_TRUE(window_.has_served(1, bin_)) << "of another class nothing is known yet";
  window_.flushed(0);
  EXPECT_FALSE(window_.has_served(0, bin_)) << "a flush is no malloc";
}

TEST_F(WindowTest, RarelyIsSoManyMallocsForEachBoundary) {
  EXPECT_FALSE(window_.rarely_at_boundaries(7)) << "nothing was served at all";
  serve(Lane::kRareBoundaries);
  EXPECT_TRUE(window_.rarely_at_boundaries(7));
  EXPECT_FALSE(window_.rarely_at_boundaries(8));
  serve(1);
  EXPECT_TRUE(window_.rarely_at_boundaries(8));
  window_.begin(8);
  EXPECT_FALSE(window_.rarely_at_boundaries(8));
}

}  // namespace
}  // namespace masu
