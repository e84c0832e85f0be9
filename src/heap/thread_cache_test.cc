#include "heap/thread_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "heap/test_lanes.h"

namespace masu {
namespace {

template <class Lane>
class ThreadCacheTest : public testing::Test {
 protected:
  using LaneClasses = Classes<Lane>;
  ThreadCacheTest() : bins_(static_cast<Bins<Lane>*>(::operator new(sizeof(Bins<Lane>)))) {
    memset(static_cast<void*>(bins_.get()), 0, sizeof(Bins<Lane>));
    bins_->init(cache_);
  }
  // As malloc and free do it.
  bool push(ClassId c, uintptr_t block) {
    if (cache_.top[c][1] == kBinEnd) return false;
    *++cache_.top[c] = block;
    return true;
  }
  uintptr_t pop(ClassId c) {
    const uintptr_t block = *cache_.top[c];
    if (block != 0) --cache_.top[c];
    return block;
  }

  ThreadCache<Lane> cache_{};
  std::unique_ptr<Bins<Lane>> bins_;
};
TYPED_TEST_SUITE(ThreadCacheTest, test::Lanes);

TYPED_TEST(ThreadCacheTest, EveryBinFillsToItsLimitAndEmpties) {
  for (ClassId c = 0; c < TestFixture::LaneClasses::kCount; ++c) {
    unsigned n = 0;
    while (this->push(c, 4096 + 16 * n)) ++n;
    ASSERT_EQ(n, this->bins_->limit(c));
    ASSERT_TRUE(this->bins_->full(this->cache_, c));
    ASSERT_EQ(this->bins_->blocks(this->cache_, c), n);
  }
  EXPECT_TRUE(this->bins_->check(this->cache_));
  for (ClassId c = 0; c < TestFixture::LaneClasses::kCount; ++c) {
    for (unsigned n = this->bins_->limit(c); n-- > 0;) ASSERT_EQ(this->pop(c), 4096 + 16 * n);
    ASSERT_EQ(this->pop(c), 0u);
    ASSERT_EQ(this->pop(c), 0u);
  }
  EXPECT_TRUE(this->bins_->check(this->cache_));
}

// Limits move up and down over bins in any state; an end that was left behind would stop a push too soon.
TYPED_TEST(ThreadCacheTest, LimitsMove) {
  test::Random random(5);
  using C = typename TestFixture::LaneClasses;
  std::vector<std::vector<uintptr_t>> model(C::kCount);
  for (int step = 0; step < 20000; ++step) {
    const auto c = static_cast<ClassId>(random.below(C::kCount));
    switch (random.below(6)) {
      case 0: this->bins_->set_limit(this->cache_, c, static_cast<unsigned>(random.below(2 * Bins<TypeParam>::max(c) + 1))); break;
      case 1: this->bins_->grow(this->cache_, c); break;
      case 2: this->bins_->shrink(this->cache_, c); break;
      case 3: {
        const uintptr_t expected = model[c].empty() ? 0 : model[c].back();
        ASSERT_EQ(this->pop(c), expected);
        if (expected != 0) model[c].pop_back();
        break;
      }
      default: {
        const uintptr_t block = 16 * (random.below(1 << 20) + 1);
        ASSERT_EQ(this->push(c, block), model[c].size() < this->bins_->limit(c));
        if (model[c].size() < this->bins_->limit(c)) model[c].push_back(block);
      }
    }
    ASSERT_LE(this->bins_->limit(c), Bins<TypeParam>::max(c));
    ASSERT_GE(this->bins_->limit(c), model[c].size());
    ASSERT_EQ(this->bins_->blocks(this->cache_, c), model[c].size());
    if (step % 64 == 0) { ASSERT_TRUE(this->bins_->check(this->cache_)); }
  }
  this->bins_->init(this->cache_);
  for (ClassId c = 0; c < C::kCount; ++c) EXPECT_EQ(this->pop(c), 0u);
  EXPECT_TRUE(this->bins_->check(this->cache_));
}

// The end of a bin that had grown is not left behind either when it starts anew.
TYPED_TEST(ThreadCacheTest, AnEmptiedBinGrowsAsAFreshOne) {
  using C = typename TestFixture::LaneClasses;
  for (ClassId c = 0; c < C::kCount; ++c) this->bins_->set_limit(this->cache_, c, Bins<TypeParam>::max(c) - 1);
  this->bins_->init(this->cache_);
  for (ClassId c = 0; c < C::kCount; ++c) {
    while (this->bins_->grow(this->cache_, c, SIZE_MAX)) {
    }
    unsigned n = 0;
    while (this->push(c, 4096 + 16 * n)) ++n;
    ASSERT_EQ(n, Bins<TypeParam>::max(c)) << C::size(c);
  }
}

TYPED_TEST(ThreadCacheTest, AllBinsTogetherAreBounded) {
  using C = typename TestFixture::LaneClasses;
  size_t grown = 0;
  for (int round = 0; round < 16; ++round) {
    for (ClassId c = 0; c < C::kCount; ++c) {
      const unsigned before = this->bins_->limit(c);
      this->bins_->grow(this->cache_, c);
      grown += (this->bins_->limit(c) - before) * C::size(c);
    }
  }
  EXPECT_GT(grown, 0u);
  EXPECT_LE(grown, TypeParam::kCacheBytes);
}

TYPED_TEST(ThreadCacheTest, GrowthDoublesAsFarAsTheBytesGo) {
  using C = typename TestFixture::LaneClasses;
  for (ClassId c = 0; c < C::kCount; ++c) {
    this->bins_->init(this->cache_);
    size_t held = 0;  // bytes that the bin grew by
    for (unsigned limit = this->bins_->limit(c), wider; limit < Bins<TypeParam>::max(c); limit = wider) {
      wider = std::min(std::max(2 * limit, 1u), Bins<TypeParam>::max(c));
      const size_t needed = held + (wider - limit) * C::size(c);
      ASSERT_FALSE(this->bins_->grow(this->cache_, c, needed - 1));
      ASSERT_EQ(this->bins_->limit(c), limit);
      ASSERT_TRUE(this->bins_->grow(this->cache_, c, needed));
      ASSERT_EQ(this->bins_->limit(c), wider);
      held = needed;
    }
    ASSERT_FALSE(this->bins_->grow(this->cache_, c, SIZE_MAX));
  }
}

TYPED_TEST(ThreadCacheTest, CheckSeesDamage) {
  this->push(0, 4096);
  EXPECT_TRUE(this->bins_->check(this->cache_));
  *this->cache_.top[0] = 0;
  EXPECT_FALSE(this->bins_->check(this->cache_));
  *this->cache_.top[0] = 4096;
  this->bins_->bottom(1)[0] = 16;
  EXPECT_FALSE(this->bins_->check(this->cache_));
  this->bins_->bottom(1)[0] = 0;
  this->bins_->bottom(1)[this->bins_->limit(1) + 1] = 0;
  EXPECT_FALSE(this->bins_->check(this->cache_));
}

TYPED_TEST(ThreadCacheTest, TheUnboundCacheIsEmptyAndFullAndOwnsNoTag) {
  const auto& cache = UnboundCache<TypeParam>::kCache;
  using C = typename TestFixture::LaneClasses;
  for (ClassId c = 0; c < C::kCount; ++c) {
    EXPECT_EQ(*cache.top[c], 0u);
    EXPECT_EQ(cache.top[c][1], kBinEnd);
  }
  for (uint32_t owner = 0; owner <= TypeParam::kMaxOwners; ++owner) {
    ASSERT_GE(make_tag(owner, 0) ^ cache.own_tag, C::kCount);
  }
  EXPECT_EQ(cache.owner, nullptr);
}

// What the compiler computed is what a program computes.
TYPED_TEST(ThreadCacheTest, TablesAreTheSameMadeHere) {
  const auto cache = UnboundCache<TypeParam>::make();
  EXPECT_TRUE(std::ranges::equal(cache.top, UnboundCache<TypeParam>::kCache.top));
  const auto expect_same = [](const auto& made, const auto& compiled) {
    EXPECT_EQ(made.slots, compiled.slots);
    EXPECT_TRUE(std::ranges::equal(made.first, compiled.first));
    EXPECT_TRUE(std::ranges::equal(made.most, compiled.most));
  };
  expect_same(Bins<TypeParam>::wide(), Bins<TypeParam>::kWide);
  expect_same(Bins<TypeParam>::narrow(), Bins<TypeParam>::kNarrow);
}

}  // namespace
}  // namespace masu
