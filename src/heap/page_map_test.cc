#include "heap/page_map.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "heap/test_lanes.h"

namespace masu {
namespace {

struct AlwaysCommits {
  size_t page_size() const { return kPage; }
  bool commit(void*, size_t) { return true; }
  bool claim(void*, size_t) { return true; }
  void unmap(void*, size_t) {}
};

class PageMapTest : public testing::Test {
 protected:
  static constexpr size_t kPages = 64;
  static constexpr uintptr_t kBase = uintptr_t{1} << 40;
  PageMapTest() : tables_(PageMap<test::NativeSync>::table_bytes(kPages, kPage) / 8) {
    map_.place(tables_.data(), kBase, kPages, kPage);
    map_.commit_pages(os_, 0, kPages);
  }
  static uintptr_t at(size_t granule) { return kBase + granule * kGranule; }
  std::vector<uint64_t> tables_;
  AlwaysCommits os_;
  PageMap<test::NativeSync> map_;
};

TEST_F(PageMapTest, GranulesOfAddresses) {
  EXPECT_EQ(map_.granule(kBase), 0u);
  EXPECT_EQ(map_.granule(kBase + 16), 1u);
  EXPECT_EQ(map_.granule(kBase + kPages * kPage - 16), map_.granules() - 1);
  for (uintptr_t outside : {uintptr_t{0}, uintptr_t{16}, kBase - 16, kBase - 1, kBase + kPages * kPage, UINTPTR_MAX - 15, UINTPTR_MAX}) {
    EXPECT_GE(map_.granule(outside), map_.granules()) << outside;
    EXPECT_FALSE(map_.covers(outside));
  }
  for (uintptr_t off = 1; off < 16; ++off) {
    EXPECT_GE(map_.granule(kBase + off), map_.granules()) << "off the grid";
    EXPECT_TRUE(map_.covers(kBase + off));
  }
  EXPECT_EQ(map_.page_of_granule(map_.granule(kBase + 3 * kPage + 32)), 3u);
  EXPECT_EQ(map_.address(map_.page(kBase + 3 * kPage + 32)), kBase + 3 * kPage);
}

TEST_F(PageMapTest, WhatIsNotCommittedIsOutside) {
  PageMap<test::NativeSync> map;
  map.place(tables_.data(), kBase, kPages, kPage);
  EXPECT_EQ(map.granules(), 0u);
  map.commit_pages(os_, 0, 2);
  EXPECT_LT(map.granule(kBase + 2 * kPage - kGranule), map.granules());
  EXPECT_GE(map.granule(kBase + 2 * kPage), map.granules());
  EXPECT_TRUE(map.covers(kBase + 2 * kPage));
  const size_t next = map.granule(kBase + 2 * kPage);
  EXPECT_FALSE(map.in_use(next));
  map.commit_pages(os_, 2, 2);
  EXPECT_TRUE(map.in_use(next));
}

// An address space that is modest: tables behind the reserved ones are claimed, all of them or none.
TEST_F(PageMapTest, WhatIsNotReservedIsClaimed) {
  struct ClaimsSome {
    unsigned commits = 0, left = 0;
    std::set<void*> claimed;
    size_t page_size() const { return 64; }
    bool commit(void*, size_t) { return ++commits != 0; }
    bool claim(void* at, size_t) { return left-- != 0 && claimed.insert(at).second; }
    void unmap(void* at, size_t) { claimed.erase(at); }
  } os;
  PageMap<test::NativeSync> map;
  map.place(tables_.data(), kBase, kPages, os.page_size());
  map.unreserve(os, kPages / 2);
  EXPECT_TRUE(map.commit_pages(os, 0, kPages / 2));
  const unsigned commits = os.commits;
  EXPECT_GT(commits, 0u);
  unsigned most = 0;
  for (os.left = most; !map.commit_pages(os, kPages / 2, kPages / 2); os.left = ++most) {
    ASSERT_LT(most, 10u);
    EXPECT_TRUE(os.claimed.empty()) << most;
    EXPECT_EQ(map.granules(), kPages / 2 * kGranulesPerPage);
  }
  EXPECT_EQ(os.claimed.size(), most);
  EXPECT_EQ(most, 4u);
  EXPECT_EQ(os.commits, commits);
}

TEST_F(PageMapTest, Tags) {
  for (uint32_t owner : {1u, 2u, 65536u}) {
    for (ClassId c : {0u, 53u, 63u}) {
      EXPECT_EQ(owner_of(make_tag(owner, c)), owner);
      EXPECT_EQ(class_of(make_tag(owner, c)), c);
    }
  }
  EXPECT_EQ(owner_of(kTagFree), 0u);
  EXPECT_EQ(owner_of(kTagUnmapped), 0u);
  map_.set_tags(3, 2, make_tag(9, 4));
  EXPECT_EQ(map_.tag(2), kTagUnmapped);
  EXPECT_EQ(map_.tag(3), make_tag(9, 4));
  EXPECT_EQ(map_.tag(4), make_tag(9, 4));
  EXPECT_EQ(map_.tag(5), kTagUnmapped);
}

TEST_F(PageMapTest, LiveBitsFlipOnce) {
  for (size_t g : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{777}, map_.granules() - 1}) {
    EXPECT_FALSE(map_.is_live(g));
    EXPECT_FALSE(map_.clear_live(g)) << "not live: a double free";
    EXPECT_TRUE(map_.set_live(at(g)));
    EXPECT_FALSE(map_.set_live(at(g))) << "live already: handed out twice";
    EXPECT_TRUE(map_.is_live(g));
  }
  EXPECT_EQ(map_.live_in_page(0), 4u);
  EXPECT_EQ(map_.live_in_page(3), 1u);
  for (size_t g : {size_t{0}, size_t{63}}) {
    EXPECT_TRUE(map_.clear_live(g));
    EXPECT_FALSE(map_.is_live(g));
  }
  EXPECT_TRUE(map_.is_live(1));
  EXPECT_EQ(map_.live_in_page(0), 2u);
}

TEST_F(PageMapTest, OpenBitsAndSlabsAreTheirOwn) {
  map_.set_open(700);
  EXPECT_TRUE(map_.is_open(700));
  EXPECT_FALSE(map_.is_live(700));
  EXPECT_FALSE(map_.is_open(701));
  map_.slab(5).back = 2;
  EXPECT_EQ(map_.slab_start(5), 3u);
  map_.set_live(at(5 * kGranulesPerPage + 7));
  map_.set_open(5 * kGranulesPerPage + 9);
  map_.clear_page(5);
  EXPECT_EQ(map_.live_in_page(5), 0u);
  EXPECT_FALSE(map_.is_open(5 * kGranulesPerPage + 9));
  EXPECT_EQ(map_.tag(5), kTagFree);
  EXPECT_EQ(map_.slab(5).back, 0);
  EXPECT_TRUE(map_.is_open(700)) << "another page's";
}

}  // namespace
}  // namespace masu
