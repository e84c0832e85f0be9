#include "base/size_class.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace masu {
namespace {

template <class C>
class SizeClassTest : public testing::Test {};
using Geometries = testing::Types<SizeClasses<128>, SizeClasses<16>>;
TYPED_TEST_SUITE(SizeClassTest, Geometries);

TYPED_TEST(SizeClassTest, SmallestClassThatFits) {
  using C = TypeParam;
  for (size_t bytes = 0; bytes <= C::kMaxSize; ++bytes) {
    const ClassId c = C::of(bytes);
    ASSERT_LT(c, C::kCount);
    ASSERT_GE(C::size(c), bytes);
    if (c > 0) { ASSERT_LT(C::size(c - 1), max_of<size_t>(bytes, 1)) << bytes << " fits a smaller class"; }
  }
}

TYPED_TEST(SizeClassTest, RoundingIsAtMostAFifthOfTheBlock) {
  using C = TypeParam;
  for (size_t bytes = 65; bytes <= C::kMaxSize; ++bytes) {
    const size_t block = C::size(C::of(bytes));
    if (bytes <= kPackedMax || block >= 5 * kPage) {
      ASSERT_LE((block - bytes) * 5, block) << bytes;
    } else {
      ASSERT_LT(block - bytes, kPage) << bytes;  // whole pages
    }
  }
}

TYPED_TEST(SizeClassTest, EveryBlockIsAlignedAsItsSize) {
  using C = TypeParam;
  for (ClassId c = 0; c < C::kCount; ++c) {
    EXPECT_EQ(C::size(c) % kGranule, 0u);
    EXPECT_EQ(C::is_packed(c), C::size(c) <= kPackedMax);
    if (!C::is_packed(c)) { EXPECT_EQ(C::size(c) % kPage, 0u); }
    if (c > 0) { EXPECT_GT(C::size(c), C::size(c - 1)); }
  }
  for (size_t power = kGranule; power <= C::kMaxSize; power *= 2) EXPECT_EQ(C::size(C::of(power)), power);
}

TYPED_TEST(SizeClassTest, SlabsHoldTheirBlocksAndLoseLittle) {
  using C = TypeParam;
  for (ClassId c = 0; c < C::kCount; ++c) {
    const size_t slab = C::slab_pages(c) * kPage, used = C::slab_blocks(c) * C::size(c);
    EXPECT_LE(used, slab);
    EXPECT_LT(slab - used, C::size(c));
    EXPECT_LE((slab - used) * 32, slab) << C::size(c);
    if (!C::is_packed(c)) { EXPECT_EQ(C::slab_blocks(c), 1u); }
  }
}

// A refill finds enough, and an emptied slab is the likelier the smaller it is.
TYPED_TEST(SizeClassTest, SlabsAreLargeEnoughAndNoLarger) {
  using C = TypeParam;
  for (ClassId c = 0; C::is_packed(c); ++c) {
    const size_t less = (C::slab_pages(c) - kSlabAlign) * kPage;
    EXPECT_TRUE(C::slab_blocks(c) >= 16 || C::slab_pages(c) >= 12) << C::size(c);
    EXPECT_TRUE(less == 0 || less / C::size(c) < 16 || less % C::size(c) * 32 > less) << C::size(c);
  }
}

TYPED_TEST(SizeClassTest, AlignedRequests) {
  using C = TypeParam;
  for (size_t align = 1; align <= kPage; align *= 2) {
    for (size_t bytes = 0; bytes <= min_of<size_t>(C::kMaxSize, 70 * kKiB); bytes += bytes < 9000 ? 1 : 511) {
      const ClassId c = C::of_aligned(bytes, align);
      ASSERT_LT(c, C::kCount);
      ASSERT_GE(C::size(c), max_of(bytes, align));
      ASSERT_EQ(C::size(c) % align, 0u);
      for (ClassId smaller = 0; smaller < c; ++smaller) {
        ASSERT_TRUE(C::size(smaller) < max_of(bytes, align) || C::size(smaller) % align != 0) << bytes << " " << align;
      }
    }
  }
}

// What the compiler computed is what a program computes.
TYPED_TEST(SizeClassTest, TablesAreTheSameMadeHere) {
  using C = TypeParam;
  const auto made = C::make();
  EXPECT_EQ(made.count, C::kCount);
  EXPECT_EQ(made.packed, C::kPacked);
  EXPECT_TRUE(std::ranges::equal(made.size, C::kTables.size));
  EXPECT_TRUE(std::ranges::equal(made.pages, C::kTables.pages));
  EXPECT_TRUE(std::ranges::equal(made.blocks, C::kTables.blocks));
  EXPECT_TRUE(std::ranges::equal(made.by_granules, C::kTables.by_granules));
  EXPECT_TRUE(std::ranges::equal(made.by_pages, C::kTables.by_pages));
}

TYPED_TEST(SizeClassTest, RunsForSmallRequests) {
  using C = TypeParam;
  for (size_t bytes : {size_t{0}, size_t{1}, kPage, kPackedMax, kPackedMax + 1, C::kMaxSize}) {
    const ClassId c = C::of_run(bytes);
    EXPECT_FALSE(C::is_packed(c));
    EXPECT_GE(C::size(c), bytes);
  }
}

}  // namespace
}  // namespace masu
