// The census sees each kind of damage: what every other test and the fuzz targets rest on.
#include "heap/allocator.h"

#include <gtest/gtest.h>

#include <thread>
#include <utility>

#include "heap/test_lanes.h"

namespace masu {
namespace {

template <class Lane>
class CensusTest : public testing::Test {
 protected:
  using C = Classes<Lane>;

  // Some blocks of two classes and one run live; others of them in bins and open.
  CensusTest() {
    for (unsigned i = 0; i < 40; ++i) {
      small_[i] = heap_->malloc(64);
      heap_->malloc(1000);
    }
    for (unsigned i = 0; i < 40; i += 2) heap_->free(small_[i]);
    run_ = heap_->malloc(C::size(C::of_run(1)));
    large_ = heap_->malloc(C::kMaxSize + 1);
    live_ = heap_->census();
    EXPECT_EQ(live_, 62u);
  }

  auto& map() { return heap_->core().arena.map(); }
  auto& owner() { return *heap_->core().owners[0]; }
  PageId page(const void* block) { return map().page(reinterpret_cast<uintptr_t>(block)); }
  PageId slab_page() { return map().slab_start(page(small_[1])); }
  Slab& slab() { return map().slab(slab_page()); }
  auto& segment() { return heap_->core().arena.segment(Arena<Lane>::segment_of(page(run_))); }

  // With the value changed the census is broken, without it not.
  template <class T>
  void expect_seen(const char* what, T& value, T wrong) {
    ASSERT_NE(value, wrong) << what;
    std::swap(value, wrong);
    EXPECT_EQ(heap_->census(), SIZE_MAX) << what;
    std::swap(value, wrong);
    EXPECT_EQ(heap_->census(), live_) << what;
  }
  void expect_seen_tag(const char* what, PageId at, Tag wrong) {
    const Tag right = map().tag(at);
    ASSERT_NE(right, wrong) << what;
    map().set_tag(at, wrong);
    EXPECT_EQ(heap_->census(), SIZE_MAX) << what;
    map().set_tag(at, right);
    EXPECT_EQ(heap_->census(), live_) << what;
  }

  test::TestHeap<Lane> heap_;
  void* small_[40];
  void* run_;
  void* large_;
  size_t live_;
};
TYPED_TEST_SUITE(CensusTest, test::Lanes);

TYPED_TEST(CensusTest, SeesABlockInTwoPlacesOrInNone) {
  auto& map = this->map();
  const auto live = reinterpret_cast<uintptr_t>(this->small_[1]);
  EXPECT_TRUE(map.clear_live(map.granule(live)));
  EXPECT_EQ(this->heap_->census(), SIZE_MAX) << "in no place";
  EXPECT_TRUE(map.set_live(live));
  EXPECT_EQ(this->heap_->census(), this->live_);

  uintptr_t waiting = 0;
  this->owner().each_waiting([&](uintptr_t block) { waiting = block; });
  ASSERT_NE(waiting, 0u);
  const size_t granule = map.granule(waiting);
  EXPECT_TRUE(map.set_live(waiting));
  EXPECT_EQ(this->heap_->census(), SIZE_MAX) << "in a bin and live";
  EXPECT_TRUE(map.clear_live(granule));
  uint64_t& open = map.open_words(map.page(waiting))[granule % kGranulesPerPage / 64];
  this->expect_seen("in a bin and open", open, open | uint64_t{1} << granule % 64);
}

TYPED_TEST(CensusTest, SeesABlockOnItsWayThatIsNotOut) {
  auto& map = this->map();
  const auto block = reinterpret_cast<uintptr_t>(this->small_[3]);
  std::thread([&] { this->heap_->free(this->small_[3]); }).join();  // and the chain stays in its stash
  EXPECT_EQ(this->heap_->census(), this->live_ - 1);
  EXPECT_TRUE(map.clear_live(map.granule(block)));
  EXPECT_EQ(this->heap_->census(), SIZE_MAX);
  EXPECT_TRUE(map.set_live(block));
}

TYPED_TEST(CensusTest, SeesADamagedSlab) {
  Slab& slab = this->slab();
  this->expect_seen("prev", slab.prev, slab.prev + 1);
  this->expect_seen("class", slab.cls, static_cast<uint8_t>(slab.cls + 1));
  this->expect_seen("list", slab.listed, static_cast<uint8_t>(3 - slab.listed));
  this->expect_seen("no list", slab.listed, uint8_t{0});
  this->expect_seen("in use", slab.used, uint8_t{2});
  this->expect_seen("open blocks", slab.open, static_cast<uint16_t>(slab.open + 1));
  Slab& run = this->map().slab(this->page(this->run_));
  this->expect_seen("a run in use", run.used, uint8_t{2});
}

TYPED_TEST(CensusTest, SeesAWrongTag) {
  const PageId slab = this->slab_page();
  const ClassId c = this->slab().cls;
  this->expect_seen_tag("a slab of another owner", slab, make_tag(2, c));
  this->expect_seen_tag("a slab of nobody, in a list", slab, make_tag(kNobody, c));
  this->expect_seen_tag("a page that is free", slab + TestFixture::C::slab_pages(c) - 1, kTagFree);
  PageId unused = 0;
  while (this->map().tag(unused) != kTagFree) ++unused;
  this->expect_seen_tag("a page of a slab that is not there", unused, make_tag(1, c));
}

TYPED_TEST(CensusTest, SeesADamagedSegment) {
  auto& segment = this->segment();
  this->expect_seen("prev", segment.prev, segment.prev - 1);
  this->expect_seen("bucket", segment.bucket, static_cast<uint8_t>(segment.bucket + 1));
  this->expect_seen("longest", segment.longest, static_cast<uint16_t>(segment.longest == 0 ? 9 : 0));
  this->expect_seen("owner", segment.owner, segment.owner + 1);
  this->expect_seen("free pages", segment.free_pages, static_cast<uint16_t>(segment.free_pages + 1));
  this->expect_seen("the bits", segment.free.word[0], ~segment.free.word[0]);
}

TYPED_TEST(CensusTest, SeesADamagedBin) {
  auto& owner = this->owner();
  const ClassId c = this->slab().cls;
  uintptr_t* const bottom = owner.bins().bottom(c);
  ASSERT_GT(owner.top[c], bottom) << "no block in the bin";
  this->expect_seen("top below the bin", owner.top[c], bottom - 1);
  this->expect_seen("top above the bin", owner.top[c], bottom + owner.bins().limit(c) + 1);
  this->expect_seen("no end of malloc", bottom[0], uintptr_t{4096});
  this->expect_seen("no end of free", bottom[owner.bins().limit(c) + 1], uintptr_t{0});
  this->expect_seen("null in the bin", *owner.top[c], uintptr_t{0});
  this->expect_seen("an end in the bin", *owner.top[c], kBinEnd);
}

}  // namespace
}  // namespace masu
