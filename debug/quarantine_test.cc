// Freed blocks wait in order, as long as the limit lets them.
#include "debug/quarantine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace masu::debug {
namespace {

constexpr size_t kLeast = 256 * kKiB;  // of a small heap

class QuarantineTest : public testing::Test {
 protected:
  ~QuarantineTest() override { tls_thread = nullptr; }

  // The n-th block has the address n; those that leave are noted.
  void push(size_t bytes, Record* record = nullptr) {
    const Quarantine::Entry entry = {record, next_++, 7, 5};
    if (quarantine_->push(*thread_, entry, bytes)) return;
    quarantine_->next_chunk(*thread_, [this](const Quarantine::Entry& e) { left_.push_back(e.begin); });
    EXPECT_TRUE(quarantine_->push(*thread_, entry, bytes));
  }
  void expect_left(size_t n) {
    ASSERT_EQ(left_.size(), n);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(left_[i], i + 1);
  }

  std::unique_ptr<Threads> threads_ = std::make_unique<Threads>();
  std::unique_ptr<Quarantine> quarantine_ = std::make_unique<Quarantine>(*threads_);
  ThreadState* thread_ = threads_->self();
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
  unsigned seen = 0;
  quarantine_->next_chunk(*thread_, [&](const Quarantine::Entry& entry) {
    ++seen;
    EXPECT_FALSE(quarantine_->push(*thread_, entry, 16));
  });
  EXPECT_EQ(seen, 1u);
}

TEST_F(QuarantineTest, ChunksAreUsedAgain) {
  quarantine_->set_limit(0);
  std::vector<const QuarantineChunk*> chunks;
  for (int i = 0; i < 10; ++i) {
    push(64 * kKiB);
    chunks.push_back(thread_->chunk);
    EXPECT_EQ(chunks.back()->bytes, 64 * kKiB);
    EXPECT_EQ(chunks.back()->count, 1u);
  }
  for (const QuarantineChunk* chunk : chunks) EXPECT_EQ(chunk, chunks[0]);
}

TEST_F(QuarantineTest, SettlesTheRecordsOfAllThatWait) {
  quarantine_->set_limit(kGiB);
  std::vector<Record> records(2 * QuarantineChunk::kBlocks + 1);  // two chunks that were handed over, and one that is being filled
  for (Record& r : records) push(32, &r);
  EXPECT_EQ(records[0].state.load(), State::kNever);
  quarantine_->settle();
  for (const Record& r : records) {
    EXPECT_EQ(r.state.load(), State::kQuarantined);
    EXPECT_EQ(r.free_thread, 7u);
    EXPECT_EQ(r.free_stack, 5u);
  }
  EXPECT_TRUE(left_.empty());
}

// Of what is pushed between two of its waits the other thread learns by the chunk's count alone.
TEST_F(QuarantineTest, SettlesWhileOthersPush) {
  quarantine_->set_limit(kGiB);
  std::vector<Record> records(5000);
  std::atomic<bool> done{false};
  std::atomic<unsigned> settled{0};
  std::thread reports([&] {
    for (; !done; ++settled) quarantine_->settle();
  });
  for (size_t i = 0; i < records.size(); ++i) {
    push(32, &records[i]);
    if (i % 100 != 0) continue;
    for (const unsigned before = settled; settled - before < 2;) std::this_thread::yield();
  }
  done = true;
  reports.join();
  quarantine_->settle();
  for (const Record& r : records) ASSERT_EQ(r.state.load(), State::kQuarantined);
}

TEST_F(QuarantineTest, ReportsGoOnWhereItsLockIsHeld) {
  Record record = {};
  push(32, &record);
  quarantine_->lock().lock();
  quarantine_->settle();
  EXPECT_EQ(record.state.load(), State::kNever);
  quarantine_->lock().unlock();
}

}  // namespace
}  // namespace masu::debug
