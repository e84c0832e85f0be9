// Where a link lies: in a block that shares its slab, beside one that has a run of its own.
#include "heap/block_links.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using C = Classes<test::FaultLane>;

// Two pages, the first of a packed class, the second of a run's.
struct Pages {
  static constexpr ClassId kClasses[] = {0, C::kPacked};
  alignas(kPage) unsigned char bytes[2][kPage];
  Slab slabs[2] = {};

  uintptr_t at(PageId page) const { return reinterpret_cast<uintptr_t>(bytes[page]); }
  PageId page(uintptr_t p) const { return static_cast<PageId>((p - at(0)) / kPage); }
  Tag tag(PageId page) const { return make_tag(1, kClasses[page]); }
  Slab& slab(PageId page) { return slabs[page]; }
};

class BlockLinksTest : public testing::Test {
 protected:
  BlockLinksTest() {
    links_.set_key(77);
    std::fill_n(pages_.bytes[0], sizeof(pages_.bytes), static_cast<unsigned char>(0xA5));
  }
  // How many bytes of the page are not as they were.
  auto changed(PageId page) const {
    return std::count_if(std::begin(pages_.bytes[page]), std::end(pages_.bytes[page]), [](unsigned char b) { return b != 0xA5; });
  }

  Pages pages_;
  BlockLinks<Pages, C> links_{pages_};
  const uintptr_t packed_ = pages_.at(0), run_ = pages_.at(1);
};

TEST_F(BlockLinksTest, GetsWhatWasSet) {
  links_.set(packed_, run_);
  links_.set(run_, packed_);
  EXPECT_EQ(links_.get(packed_), run_);
  EXPECT_EQ(links_.get(run_), packed_);
  links_.set(packed_, 0, run_);
  links_.set(run_, 0, packed_);
  EXPECT_EQ(links_.get(packed_, Pages::kClasses[0]), 0u);
  EXPECT_EQ(links_.get(run_, Pages::kClasses[1]), 0u);
}

TEST_F(BlockLinksTest, ARunsPagesStayUntouched) {
  links_.set(run_, packed_);
  links_.set(run_, packed_, packed_);
  links_.wipe(run_, Pages::kClasses[1]);
  EXPECT_EQ(changed(1), 0);
}

TEST_F(BlockLinksTest, NoTraceStaysInABlockOfASlab) {
  links_.set(packed_, run_, run_);
  links_.wipe(packed_, Pages::kClasses[0]);
  const auto* words = reinterpret_cast<const uintptr_t*>(packed_);
  EXPECT_EQ(words[0], 0u);
  EXPECT_EQ(words[1], 0u);
  EXPECT_LE(changed(0), 16);
}

}  // namespace
}  // namespace masu
