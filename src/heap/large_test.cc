#include "heap/large.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using Lane = test::FaultLane;

class LargeTest : public testing::Test {
 protected:
  LargeTest() { core_->config.large_cache = 8 * kMiB; }
  ~LargeTest() override {
    large_->destroy(*core_);
    EXPECT_EQ(core_->os.mapped(), 0u);
    EXPECT_TRUE(test::no_faults());
  }
  uintptr_t alloc(size_t bytes, size_t align = 16, uint32_t owner = 0) {
    zero_ = true;
    const uintptr_t p = large_->alloc(*core_, bytes, align, owner, zero_);
    if (p != 0) {
      EXPECT_EQ(p % align, 0u);
      EXPECT_TRUE(!zero_ || test::all_zero(reinterpret_cast<void*>(p), bytes));
      memset(reinterpret_cast<void*>(p), 0x5a, bytes);
    }
    return p;
  }
  void later(uint64_t ms, uint64_t deadline) { large_->decay(*core_, ms, deadline); }

  std::unique_ptr<Core<Lane>> core_ = std::make_unique<Core<Lane>>();
  std::unique_ptr<Large<Lane>> large_ = std::make_unique<Large<Lane>>();
  bool zero_ = false;
};

TEST_F(LargeTest, KnowsItsBlocksAndNoOthers) {
  const uintptr_t p = alloc(kMiB + 1);
  EXPECT_EQ(large_->size(*core_, p), kMiB + kPage);
  EXPECT_EQ(large_->size(*core_, p + kPage), 0u);
  EXPECT_FALSE(large_->free(*core_, p + kPage));
  EXPECT_FALSE(large_->free(*core_, 0));
  EXPECT_TRUE(large_->free(*core_, p));
  EXPECT_FALSE(large_->free(*core_, p));
  EXPECT_EQ(large_->size(*core_, p), 0u);
  EXPECT_EQ(large_->resize(*core_, p, kMiB), 0u);
}

// The table grows, and its backward shifts keep every block findable.
TEST_F(LargeTest, ManyBlocks) {
  core_->config.large_cache = 0;
  test::Random random(3);
  std::map<uintptr_t, size_t> model;
  for (int step = 0; step < 6000; ++step) {
    if (model.size() < 20 || (model.size() < 900 && random.below(100) < (step < 3000 ? 70u : 35u))) {
      const size_t bytes = kPage * (1 + random.below(3));
      const uintptr_t p = large_->alloc(*core_, bytes, 16, 0, zero_);
      ASSERT_NE(p, 0u);
      ASSERT_TRUE(model.insert({p, bytes}).second);
    } else {
      auto it = model.lower_bound(model.begin()->first + random.next() % (model.rbegin()->first - model.begin()->first + 1));
      ASSERT_TRUE(large_->free(*core_, it->first));
      model.erase(it);
    }
    if (step % 100 != 0) continue;
    ASSERT_TRUE(large_->check());
    ASSERT_EQ(large_->blocks(), model.size());
    for (auto [p, bytes] : model) ASSERT_EQ(large_->size(*core_, p), bytes);
  }
  size_t seen = 0, live = 0;
  large_->each([&](const auto& b) {
    ++seen;
    EXPECT_EQ(model.at(b.address), b.bytes);
  });
  for (auto [p, bytes] : model) live += bytes;
  EXPECT_EQ(seen, model.size());
  EXPECT_EQ(large_->live_bytes(), live);
}

TEST_F(LargeTest, FreedMappingsServeWhatTheyFit) {
  const uintptr_t p = alloc(2 * kMiB);
  large_->free(*core_, p);
  EXPECT_EQ(large_->cached_bytes(), 2 * kMiB);
  EXPECT_EQ(alloc(kMiB), p) << "a part of it";
  EXPECT_FALSE(zero_) << "it had a life before";
  EXPECT_EQ(large_->size(*core_, p), kMiB);
  EXPECT_EQ(large_->cached_bytes(), kMiB) << "the rest waits on";
  EXPECT_EQ(alloc(kMiB - 32 * kKiB), p + kMiB);
  EXPECT_EQ(large_->size(*core_, p + kMiB), kMiB) << "too small a rest stays with the block";
  EXPECT_EQ(large_->cached_bytes(), 0u);
  EXPECT_EQ(core_->stats.get(Event::kLargeCacheHit), 2u);
  large_->free(*core_, p);
  large_->free(*core_, p + kMiB);
  EXPECT_EQ(alloc(2 * kMiB), p) << "neighbours are one again";
  EXPECT_EQ(core_->stats.get(Event::kLargeMap), 1u);
}

// Where nothing kept is long enough, the longest is made so, and only what is added is fresh.
TEST_F(LargeTest, AKeptMappingIsMadeLonger) {
  const uintptr_t p = alloc(kMiB);
  large_->free(*core_, p);
  const uintptr_t longer = alloc(3 * kMiB);
  EXPECT_NE(longer, 0u);
  EXPECT_FALSE(zero_);
  EXPECT_EQ(core_->stats.get(Event::kLargeMap), 1u);
  EXPECT_EQ(large_->size(*core_, longer), 3 * kMiB);
  EXPECT_EQ(large_->cached_bytes(), 0u);
  large_->free(*core_, longer);
  EXPECT_NE(alloc(3 * kMiB, 16 * kMiB), 0u) << "an alignment that the kept one has not";
  core_->os.fail(test::OsCall::kRemap, 1, true);
  EXPECT_NE(alloc(5 * kMiB), 0u) << "where the system does not make it longer, a fresh one serves";
  EXPECT_TRUE(large_->check());
}

TEST_F(LargeTest, TheBestFitIsTakenAndAlignmentHonoured) {
  const uintptr_t a = alloc(2 * kMiB), b = alloc(2 * kMiB - 64 * kKiB);
  large_->free(*core_, a);
  large_->free(*core_, b);
  EXPECT_EQ(alloc(2 * kMiB - 128 * kKiB), b);
  const uintptr_t aligned = alloc(2 * kMiB, 32 * kMiB);
  EXPECT_EQ(aligned % (32 * kMiB), 0u);
}

TEST_F(LargeTest, TheCacheIsBounded) {
  for (int i = 0; i < 20; ++i) {
    std::vector<uintptr_t> blocks;
    for (int j = 0; j < 6; ++j) blocks.push_back(alloc(3 * kMiB));
    for (uintptr_t p : blocks) {
      large_->free(*core_, p);
      ASSERT_LE(large_->cached_bytes(), max_of(core_->config.large_cache, 2 * large_->live_bytes()));
    }
  }
  core_->config.large_most = 10 * kMiB;
  std::vector<uintptr_t> lives;
  for (int j = 0; j < 12; ++j) lives.push_back(alloc(3 * kMiB));
  for (int j = 0; j < 6; ++j) large_->free(*core_, lives[static_cast<size_t>(j)]);
  EXPECT_EQ(large_->cached_bytes(), 10 * kMiB) << "less than twice what lives: the other bound holds";
  for (int j = 6; j < 12; ++j) large_->free(*core_, lives[static_cast<size_t>(j)]);
  const uintptr_t longer = alloc(12 * kMiB);
  large_->free(*core_, longer);
  EXPECT_EQ(large_->cached_bytes(), core_->config.large_cache) << "of what is above the bound a part is kept";
  for (int i = 0; i < 20; ++i) {
    std::vector<uintptr_t> blocks;
    for (size_t j = 0; j < 2 * Lane::kMaxLargeCached; ++j) blocks.push_back(alloc(kPage * (1 + j)));
    for (uintptr_t p : blocks) large_->free(*core_, p);
  }
  EXPECT_TRUE(large_->check());
  large_->trim(*core_);
  EXPECT_EQ(large_->cached_bytes(), 0u);
}

TEST_F(LargeTest, WhatJustFitsIsKept) {
  const uintptr_t p = alloc(4 * kMiB, 8 * kMiB), q = alloc(4 * kMiB, 8 * kMiB);  // no neighbours
  core_->config.large_most = 0;
  large_->free(*core_, p);
  large_->free(*core_, q);
  EXPECT_EQ(large_->cached_bytes(), 8 * kMiB) << "both, up to the bound";
  EXPECT_EQ(alloc(4 * kMiB - 64 * kKiB), p);
  EXPECT_EQ(large_->size(*core_, p), 4 * kMiB - 64 * kKiB) << "a rest of 64 KiB waits on";
  EXPECT_EQ(large_->cached_bytes(), 4 * kMiB + 64 * kKiB);
}

TEST_F(LargeTest, TheHeapHasShrunkWhereHalfOfTheMostIsGone) {
  std::vector<uintptr_t> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(alloc(4 * kMiB));
  large_->free(*core_, blocks[0]);
  EXPECT_FALSE(core_->is_shrunk.load());
  large_->free(*core_, blocks[1]);
  EXPECT_TRUE(core_->is_shrunk.load());
}

// Bounds that are no whole pages (an option need be none) cut at pages all the same.
TEST_F(LargeTest, ABoundOfNoWholePages) {
  core_->config.large_cache = kMiB + 100;
  const uintptr_t p = alloc(2 * kMiB), q = alloc(2 * kMiB);
  large_->free(*core_, p);
  large_->free(*core_, q);
  EXPECT_LE(large_->cached_bytes(), core_->config.large_cache);
  EXPECT_EQ(core_->os.mapped() % kPage, 0u);
}

TEST_F(LargeTest, KeptMappingsDecayOldestFirst) {
  const uintptr_t a = alloc(kMiB), b = alloc(2 * kMiB);
  later(1000, 0);
  large_->free(*core_, a);
  later(2000, 0);
  large_->free(*core_, b);
  later(3000, 999);
  EXPECT_EQ(large_->cached_bytes(), 3 * kMiB);
  later(3000, 1000);
  EXPECT_EQ(large_->cached_bytes(), 2 * kMiB);
  later(3000, 2000);
  EXPECT_EQ(large_->cached_bytes(), 0u);
}

TEST_F(LargeTest, Resize) {
  uintptr_t p = alloc(kMiB);
  const size_t remaps = core_->os.calls(test::OsCall::kRemap);
  EXPECT_EQ(large_->resize(*core_, p, kMiB - kPage), p) << "a little less stays as it is";
  EXPECT_EQ(core_->os.calls(test::OsCall::kRemap), remaps);
  for (size_t bytes : {2 * kMiB, 9 * kMiB, 3 * kMiB, kMiB}) {
    p = large_->resize(*core_, p, bytes);
    ASSERT_NE(p, 0u);
    EXPECT_EQ(large_->size(*core_, p), bytes);
    EXPECT_EQ(large_->live_bytes(), bytes);
    EXPECT_TRUE(large_->check());
    EXPECT_EQ(*reinterpret_cast<unsigned char*>(p + kMiB - 1), 0x5a);
  }
  core_->os.fail(test::OsCall::kRemap, 1, true);
  core_->os.fail(test::OsCall::kMap, 1, true);
  EXPECT_EQ(large_->resize(*core_, p, 5 * kMiB), 0u);
  EXPECT_EQ(large_->size(*core_, p), kMiB);
  core_->os.heal();
  core_->os.fail(test::OsCall::kRemap, 1, true);
  const uintptr_t copy = large_->resize(*core_, p, 5 * kMiB);
  ASSERT_NE(copy, 0u) << "what cannot be moved is copied";
  EXPECT_EQ(*reinterpret_cast<unsigned char*>(copy + kMiB - 1), 0x5a);
  EXPECT_EQ(large_->size(*core_, p), 0u);
  EXPECT_EQ(large_->live_bytes(), 5 * kMiB);
  core_->os.heal();
  EXPECT_EQ(large_->resize(*core_, p, SIZE_MAX), 0u);
  EXPECT_EQ(large_->resize(*core_, p, PTRDIFF_MAX), 0u);
}

TEST_F(LargeTest, AnOwnersBlocksGoTogether) {
  core_->config.large_cache = 0;
  test::Random random(1);
  std::vector<uintptr_t> others;
  for (int i = 0; i < 300; ++i) {
    const auto owner = static_cast<uint32_t>(random.below(3));
    const uintptr_t p = large_->alloc(*core_, kPage, 16, owner, zero_);
    if (owner != 2) others.push_back(p);
  }
  large_->free_owner(*core_, 2);
  EXPECT_TRUE(large_->check());
  EXPECT_EQ(large_->blocks(), others.size());
  for (uintptr_t p : others) EXPECT_TRUE(large_->free(*core_, p));
  EXPECT_EQ(large_->blocks(), 0u);
}

TEST_F(LargeTest, WithoutMemory) {
  core_->os.fail(test::OsCall::kMap, 1, true);
  EXPECT_EQ(alloc(kMiB), 0u) << "not even its table";
  core_->os.heal();
  const uintptr_t p = alloc(kMiB);
  core_->os.fail(test::OsCall::kMap, 1, true);
  EXPECT_EQ(alloc(kMiB), 0u);
  large_->free(*core_, p);
  EXPECT_EQ(alloc(kMiB), p) << "what is kept can still be had";
  core_->os.heal();
  EXPECT_EQ(large_->alloc(*core_, SIZE_MAX, 16, 0, zero_), 0u);
  EXPECT_EQ(large_->alloc(*core_, PTRDIFF_MAX, 16, 0, zero_), 0u);
  EXPECT_TRUE(large_->check());
}

}  // namespace
}  // namespace masu
