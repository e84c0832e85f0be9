// Where the records of blocks lie, computed for whole segments; and what the shadow says of places without a block.
#include "debug/shadow.h"

#include <gtest/gtest.h>

#include <set>

#include "debug/one_test_heap.h"

namespace masu::debug {
namespace {

using C = ShadowLayout::C;
constexpr ShadowLayout kLayout;

TEST(ShadowLayoutTest, APageHasAsManyRecordsAsItsZonesSmallestBlocks) {
  size_t at = kPage / sizeof(Record);  // behind the header
  for (unsigned zone = 0; zone < ShadowLayout::kZones; ++zone) {
    EXPECT_EQ((size_t{32} << zone) << ShadowLayout::page_log2(zone), kPage);
    EXPECT_EQ(ShadowLayout::first_of(zone), at);
    at += size_t{DebugLane::kSegmentPages} << ShadowLayout::page_log2(zone);
  }
  for (ClassId c = 0; c < C::kCount; ++c) {
    const unsigned zone = ShadowLayout::zone_of(C::size(c));
    EXPECT_EQ(kLayout.first[c], ShadowLayout::first_of(zone));
    EXPECT_GE(C::size(c), zone == 0 ? 0 : size_t{32} << zone);
    if (zone + 1 < ShadowLayout::kZones) { EXPECT_LT(C::size(c), size_t{64} << zone); }
  }
}

TEST(ShadowLayoutTest, IndicesAreExactInAPackedSlab) {
  for (ClassId c = 0; c < C::kCount; ++c) {
    if (!C::is_packed(c) || C::size(c) < sizeof(Record)) continue;
    for (size_t offset = 0; offset < size_t{1} << 16; ++offset) ASSERT_EQ(kLayout.index(offset, c), offset / C::size(c)) << C::size(c);
  }
}

TEST(ShadowLayoutTest, NoTwoBlocksShareARecord) {
  for (ClassId c = 0; c < C::kCount; ++c) {
    if (C::size(c) < sizeof(Record)) continue;
    std::set<size_t> records;
    size_t blocks = 0;
    const size_t slab = C::slab_pages(c) * kPage, segment = DebugLane::kSegmentPages * kPage;
    for (size_t begin = 0; begin + slab <= segment; begin += slab) {
      for (unsigned i = 0; i < C::slab_blocks(c); ++i, ++blocks) records.insert(kLayout.record(begin + i * C::size(c), c));
    }
    EXPECT_EQ(records.size(), blocks) << C::size(c);
    const unsigned zone = ShadowLayout::zone_of(C::size(c));
    EXPECT_GE(*records.begin(), ShadowLayout::first_of(zone));
    EXPECT_LT(*records.rbegin(), ShadowLayout::first_of(zone + 1));
  }
}

TEST(ShadowTest, OnlyWholeBlocksOfASlabAreUntouched) {
  void* packed = heap().malloc(100);
  void* run = heap().malloc(30000);
  uintptr_t begin = 0, end = 0;
  heap().shadow().each_untouched([&](uintptr_t from, uintptr_t to) {
    if (from > reinterpret_cast<uintptr_t>(packed) && begin == 0) begin = from, end = to;
  });
  const Shadow& shadow = heap().shadow();
  EXPECT_TRUE(shadow.is_untouched(begin, end));
  EXPECT_FALSE(shadow.is_untouched(begin + 16, end + 16));
  EXPECT_FALSE(shadow.is_untouched(begin, end + 16));
  for (void* p : {packed, run}) {
    Cell cell;
    ASSERT_TRUE(heap().locate(reinterpret_cast<uintptr_t>(p), cell));
    EXPECT_FALSE(shadow.is_untouched(cell.begin, cell.end));
    heap().free(p);
  }
}

TEST(ShadowTest, FrontsAreFoundFromInsideOfTheirBlocks) {
  for (size_t bytes : {size_t{1}, size_t{100}, size_t{3000}}) {
    void* p = heap().malloc(bytes);
    const auto at = reinterpret_cast<uintptr_t>(p);
    for (uintptr_t inside : {at, at + bytes - 1, at - 1}) {
      uintptr_t user = 0;
      Facts facts(0);
      ASSERT_TRUE(heap().shadow().live_front_around(inside, user, facts)) << bytes;
      EXPECT_EQ(user, at);
      EXPECT_EQ(facts.size(), bytes);
      EXPECT_TRUE(facts.live());
    }
    heap().free(p);
  }
  uintptr_t user = 0;
  Facts facts(0);
  for (uintptr_t wild : {uintptr_t{0}, uintptr_t{16}, reinterpret_cast<uintptr_t>(&facts), ~uintptr_t{0}}) {
    EXPECT_FALSE(heap().shadow().live_front_around(wild, user, facts) || heap().shadow().live_front_at(wild, facts)) << wild;
  }
}

}  // namespace
}  // namespace masu::debug
