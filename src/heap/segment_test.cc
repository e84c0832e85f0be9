#include "heap/segment.h"

#include <gtest/gtest.h>

#include <random>

namespace masu {
namespace {

template <class S>
class SegmentTest : public testing::Test {};
using Sizes = testing::Types<Segment<512>, Segment<64>>;
TYPED_TEST_SUITE(SegmentTest, Sizes);

template <unsigned kPages>
constexpr unsigned pages(const Segment<kPages>&) { return kPages; }

// First fit as one would write it without thinking.
template <unsigned kPages>
unsigned plain_find(const Segment<kPages>& s, unsigned count, unsigned align) {
  for (unsigned first = 0; first + count <= kPages; first += align) {
    if (s.free.all(first, count, true)) return first;
  }
  return kPages;
}

template <unsigned kPages>
unsigned longest_run(const Segment<kPages>& s) {
  unsigned best = 0, run = 0;
  for (unsigned i = 0; i < kPages; ++i) best = max_of(best, run = s.free.test(i) ? run + 1 : 0);
  return best;
}

TYPED_TEST(SegmentTest, FirstFitAndBound) {
  TypeParam s{};
  s.open_for(3);
  EXPECT_TRUE(s.empty());
  const unsigned all = pages(s);
  std::mt19937 random(1);
  std::vector<std::pair<unsigned, unsigned>> taken;
  for (int step = 0; step < 20000; ++step) {
    if (!taken.empty() && random() % 2 == 0) {
      const size_t i = random() % taken.size();
      s.put(taken[i].first, taken[i].second);
      taken.erase(taken.begin() + static_cast<ptrdiff_t>(i));
    } else {
      const unsigned count = 1 + random() % (random() % 4 == 0 ? all / 2 : 9), align = 1u << random() % 5;
      const unsigned expected = plain_find(s, count, align), first = s.find(count, align);
      ASSERT_EQ(first, expected) << count << " aligned " << align;
      if (first < all) {
        s.take(first, count);
        taken.push_back({first, count});
      }
    }
    ASSERT_EQ(s.free.count(), s.free_pages);
    ASSERT_GE(s.longest, longest_run(s)) << "a bound that hides a run loses memory";
  }
  for (auto [first, count] : taken) s.put(first, count);
  EXPECT_TRUE(s.empty());
  EXPECT_EQ(s.longest, all);
}

TYPED_TEST(SegmentTest, FailedSearchLowersTheBound) {
  TypeParam s{};
  s.open_for(1);
  for (unsigned i = 0; i < pages(s); i += 4) s.take(i, 1);
  EXPECT_EQ(s.find(4, 1), pages(s));
  EXPECT_EQ(s.longest, 3);
  s.put(8, 1);
  EXPECT_EQ(s.longest, 7);
  EXPECT_EQ(s.find(7, 1), 5u);
}

TYPED_TEST(SegmentTest, ZeroUntilTouched) {
  TypeParam s{};
  s.open_for(1);
  EXPECT_FALSE(s.purge_pending);
  EXPECT_TRUE(s.take(4, 4));
  s.put(4, 4);
  EXPECT_TRUE(s.purge_pending);
  EXPECT_TRUE(s.take(0, 4));
  s.put(0, 4);
  EXPECT_FALSE(s.take(7, 2)) << "one of two pages was used before";
  s.put(7, 2);
  s.dirty.assign(0, pages(s), false);
  EXPECT_TRUE(s.take(0, pages(s)));
}

TYPED_TEST(SegmentTest, WhatCouldNotBeCleanedStaysDirty) {
  TypeParam s{};
  s.open_for(1);
  s.take(0, pages(s));
  s.dirty.assign(0, pages(s), true);
  s.put(10, 30);
  typename TypeParam::Pages taken{}, failed{};
  ASSERT_TRUE(s.take_dirty(1, taken));
  EXPECT_TRUE(taken.all(10, 30, true));
  EXPECT_EQ(taken.count(), 30u);
  EXPECT_FALSE(s.purge_pending);
  failed.assign(20, 3, true);
  s.put_back(taken, failed);
  for (unsigned i = 0; i < pages(s); ++i) EXPECT_EQ(s.dirty.test(i), i < 10 || i >= 40 || (i >= 20 && i < 23)) << i;
  EXPECT_TRUE(s.purge_pending) << "to be tried again";
  EXPECT_EQ(s.find(30, 1), 10u);
}

TYPED_TEST(SegmentTest, OnePageAloneIsTakenToBeCleaned) {
  for (const unsigned page : {0u, 1u, 63u}) {
    TypeParam s{};
    s.open_for(1);
    s.take(0, pages(s));
    s.put(page, 1);
    typename TypeParam::Pages taken{};
    EXPECT_TRUE(s.take_dirty(1, taken)) << page;
    EXPECT_TRUE(taken.test(page));
  }
}

}  // namespace
}  // namespace masu
