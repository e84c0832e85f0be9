// Freed blocks wait in order, as long as the limit lets them.
#include "debug/quarantine.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace masu::debug {
namespace {

constexpr size_t kLeast = 256 * kKiB;  // of a small heap

class QuarantineTest : public testing::Test {
 protected:
  // The n-th block has the address n; those that leave are noted.
  void push(size_t bytes) {
    const Cell cell = {nullptr, next_, next_ + bytes, next_, bytes, false};
    ++next_;
    if (quarantine_->push(*thread_, cell)) return;
    quarantine_->next_chunk(*thread_, [this](const QuarantineChunk::Entry& e) { left_.push_back(e.begin); });
    EXPECT_TRUE(quarantine_->push(*thread_, cell));
  }
  void expect_left(size_t n) {
    ASSERT_EQ(left_.size(), n);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(left_[i], i + 1);
  }

  std::unique_ptr<Quarantine> quarantine_ = std::make_unique<Quarantine>();
  std::unique_ptr<ThreadState> thread_ = std::make_unique<ThreadState>();
  uintptr_t next_ = 1;
  std::vector<uintptr_t> left_;
};

TEST_F(QuarantineTest, HoldsItsBytesAndThenTheOldestLeave) {
  quarantine_->set_limit(kGiB);
  constexpr size_t kChunk = 32;  // blocks of 1 KiB
  for (size_t i = 0; i <= kLeast / kKiB; ++i) push(kKiB);
  expect_left(0);
  for (size_t chunks = 1; chunks < 20; ++chunks) {
    for (size_t i = 0; i < kChunk; ++i) push(kKiB);
    expect_left(chunks * kChunk);
  }
}

TEST_F(QuarantineTest, GrowsWithTheHeapUpToItsLimit) {
  quarantine_->set_limit(2 * kMiB);
  for (const auto& [heap, held] : {std::pair{64 * kMiB, 1 * kMiB}, {size_t{16} * kGiB, 2 * kMiB}, {size_t{0}, kLeast}}) {
    quarantine_->set_heap_bytes(heap);
    for (size_t i = 0; i < 4096; ++i) push(kKiB);
    const size_t in_chunk = 32;
    expect_left((next_ - 2) / in_chunk * in_chunk - held / kKiB);
  }
}

TEST_F(QuarantineTest, AChunkEndsWithItsPlacesToo) {
  quarantine_->set_limit(0);
  for (unsigned i = 0; i < QuarantineChunk::kBlocks; ++i) push(32);
  expect_left(0);
  push(32);
  expect_left(QuarantineChunk::kBlocks);
}

TEST_F(QuarantineTest, AllLeaveWhereItHoldsNothing) {
  quarantine_->set_limit(0);
  for (int i = 0; i < 10; ++i) push(64 * kKiB);
  expect_left(9);
}

// A handler may free in the middle: the chunk that is handed over is no more the thread's.
TEST_F(QuarantineTest, AThreadHasNoChunkWhileBlocksLeave) {
  quarantine_->set_limit(0);
  push(16);
  const Cell cell = {nullptr, 1, 17, 1, 16, false};
  unsigned seen = 0;
  quarantine_->next_chunk(*thread_, [&](const QuarantineChunk::Entry&) {
    ++seen;
    EXPECT_FALSE(quarantine_->push(*thread_, cell));
  });
  EXPECT_EQ(seen, 1u);
}

TEST_F(QuarantineTest, ChunksAreUsedAgain) {
  quarantine_->set_limit(0);
  std::vector<const QuarantineChunk*> chunks;
  for (int i = 0; i < 10; ++i) {
    push(64 * kKiB);
    chunks.push_back(thread_->chunk);
    EXPECT_EQ(thread_->chunk->bytes, 64 * kKiB);
    EXPECT_EQ(thread_->chunk->count, 1u);
  }
  for (const QuarantineChunk* chunk : chunks) EXPECT_EQ(chunk, chunks[0]);
}

}  // namespace
}  // namespace masu::debug
