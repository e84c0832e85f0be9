#include "heap/remote_stash.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using Stash = RemoteStash<test::TinyLane>;

class RemoteStashTest : public testing::Test {
 protected:
  struct alignas(16) Block {
    uintptr_t word[2];
  };
  void add(uint32_t owner, size_t bytes) {
    blocks_.push_back(std::make_unique<Block>());
    const auto p = reinterpret_cast<uintptr_t>(blocks_.back().get());
    sent_[owner].push_back(p);
    stash_.add(links_, owner, p, bytes, [&](const Stash::Chain& c) { publish(c); });
  }
  void flush() {
    stash_.flush_all([&](const Stash::Chain& c) { publish(c); });
  }
  // What a consumer would see of the chain.
  void publish(const Stash::Chain& c) {
    ++published_;
    lengths_.push_back(c.blocks);
    unsigned n = 0;
    for (uintptr_t p = c.head;; p = links_.get(p)) {
      got_[c.owner].push_back(p);
      ++n;
      if (p == c.tail) break;
      ASSERT_LE(n, c.blocks);
    }
    EXPECT_EQ(n, c.blocks);
  }
  void expect_all() {
    for (auto& [owner, blocks] : sent_) {
      std::sort(blocks.begin(), blocks.end());
      std::sort(got_[owner].begin(), got_[owner].end());
      EXPECT_EQ(blocks, got_[owner]) << "owner " << owner;
    }
  }

  const LinkCodec links_{5};
  Stash stash_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::map<uint32_t, std::vector<uintptr_t>> sent_, got_;
  std::vector<unsigned> lengths_;
  unsigned published_ = 0;
};

TEST_F(RemoteStashTest, ALongChainIsDue) {
  for (unsigned i = 0; i < test::TinyLane::kStashChain; ++i) {
    EXPECT_EQ(published_, 0u);
    add(1, 16);
  }
  EXPECT_EQ(published_, 1u);
  EXPECT_TRUE(stash_.empty());
  expect_all();
}

TEST_F(RemoteStashTest, AHeavyChainIsDue) {
  add(1, 16);
  add(1, test::TinyLane::kStashBytes);
  EXPECT_EQ(lengths_, std::vector<unsigned>{2});
  expect_all();
}

TEST_F(RemoteStashTest, AnotherOwnerDisplaces) {
  add(1, 16);
  add(2, 16);
  EXPECT_EQ(published_, 0u);
  add(1 + test::TinyLane::kStashSlots, 16);
  EXPECT_EQ(published_, 1u);
  EXPECT_EQ(got_.count(1), 1u);
  flush();
  EXPECT_EQ(published_, 3u);
  expect_all();
}

TEST_F(RemoteStashTest, AllChainsTogetherAreBounded) {
  const size_t half = test::TinyLane::kStashTotal / 2;
  add(1, half);
  EXPECT_EQ(published_, 0u);
  add(2, half);
  EXPECT_EQ(published_, 2u);
  EXPECT_TRUE(stash_.empty());
  add(1, half);
  EXPECT_EQ(published_, 2u) << "what is published weighs no more";
  flush();
  expect_all();
}

TEST_F(RemoteStashTest, NothingIsLostWhateverTheOrder) {
  test::Random random(3);
  for (int i = 0; i < 5000; ++i) {
    add(static_cast<uint32_t>(1 + random.below(7)), 16 << random.below(8));
    if (random.below(50) == 0) flush();
  }
  flush();
  EXPECT_TRUE(stash_.empty());
  unsigned visited = 0;
  stash_.each([&](const Stash::Chain&) { ++visited; });
  EXPECT_EQ(visited, 0u);
  expect_all();
}

}  // namespace
}  // namespace masu
