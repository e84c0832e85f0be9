// Where an access lies, asked of a heap's shadow without touching the memory.
#include "debug/diagnose.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "debug/heap.h"
#include "debug/test_heap.h"

namespace masu {

thread_local constinit void* tls_self = nullptr;

namespace debug {
namespace {

constinit InnerHeap g_inner{start_inner};
constinit DebugHeap g_heap{g_inner};

}  // namespace

DebugHeap& debug_heap() { return g_heap; }

namespace {

class DiagnoseTest : public testing::TestWithParam<size_t> {
 protected:
  DiagnoseTest() : p_(reinterpret_cast<uintptr_t>(g_heap.allocate(GetParam(), {}, caller()))) {}
  ~DiagnoseTest() override {
    if (!freed_) g_heap.release(reinterpret_cast<void*>(p_), {}, caller());
  }
  void end_block() {
    g_heap.release(reinterpret_cast<void*>(p_), {}, caller());
    freed_ = true;
  }
  bool wrong(uintptr_t at, size_t bytes) { return diagnose_access(g_heap.view(), at, bytes, finding_ = {}); }

  uintptr_t p_;
  bool freed_ = false;
  Finding finding_;
};

TEST_P(DiagnoseTest, AccessesInsideAreFine) {
  const size_t n = GetParam();
  EXPECT_FALSE(wrong(p_, n));
  EXPECT_FALSE(wrong(p_ + n / 2, n - n / 2));
  EXPECT_FALSE(wrong(p_ + n - 1, 1));
}

TEST_P(DiagnoseTest, OneByteTooMany) {
  const size_t n = GetParam();
  ASSERT_TRUE(wrong(p_, n + 1));
  EXPECT_EQ(finding_.kind, Kind::kOverflow);
  EXPECT_EQ(finding_.address, p_ + n);
  EXPECT_EQ(finding_.block.user, p_);
  EXPECT_EQ(finding_.block.size, n);
  EXPECT_EQ(finding_.bytes, n + 1);
  ASSERT_TRUE(wrong(p_ - 1, 1));
  EXPECT_EQ(finding_.kind, Kind::kOverflow);
  EXPECT_EQ(finding_.address, p_ - 1);
}

TEST_P(DiagnoseTest, SizesThatWrapAround) {
  ASSERT_TRUE(wrong(p_ + 1, SIZE_MAX));
  EXPECT_EQ(finding_.kind, Kind::kOverflow);
  ASSERT_TRUE(wrong(p_ + 1, SIZE_MAX - p_));
}

TEST_P(DiagnoseTest, AfterTheFreeEveryByteIsWrong) {
  end_block();
  for (size_t at : {size_t{0}, GetParam() / 2, GetParam() - 1}) {
    ASSERT_TRUE(wrong(p_ + at, 1));
    EXPECT_EQ(finding_.kind, Kind::kUseAfterFree);
    EXPECT_EQ(finding_.block.user, p_);
  }
  Finding f;
  diagnose_pointer(g_heap.view(), p_, Kind::kBadFree, f);
  EXPECT_EQ(f.kind, Kind::kDoubleFree);
}

TEST_P(DiagnoseTest, InteriorPointersKnowTheirBlock) {
  Finding f;
  diagnose_pointer(g_heap.view(), p_ + GetParam() / 2, Kind::kBadFree, f);
  EXPECT_EQ(f.kind, Kind::kBadFree);
  EXPECT_TRUE(f.block.known);
  EXPECT_EQ(f.block.user, p_);
}

INSTANTIATE_TEST_SUITE_P(Sizes, DiagnoseTest, testing::Values(2, 15, 24, 100, 1000, 5000, 9000, 50000, 300000, 1 << 20));

// Two blocks, the one right behind the other.
TEST(DiagnoseCellTest, TheBlockBeforeIsLeftOnlyWhereItsTailChangedToItsEnd) {
  std::vector<void*> blocks;
  Cell before, cell;
  do {
    blocks.push_back(g_heap.allocate(20, {}, caller()));
    ASSERT_TRUE(g_heap.locate(reinterpret_cast<uintptr_t>(blocks.back()), cell));
  } while (!g_heap.locate(cell.begin - 1, before) || before.end != cell.begin || before.record->state != State::kLive);
  ASSERT_GT(before.end - before.user_end(), 1u);
  auto diagnosed = [&](std::initializer_list<uintptr_t> changed) {
    for (uintptr_t at : changed) *reinterpret_cast<char*>(at) ^= 1;
    Finding f;
    EXPECT_TRUE(diagnose_cell(g_heap.view(), cell, f));
    for (uintptr_t at : changed) *reinterpret_cast<char*>(at) ^= 1;
    EXPECT_EQ(f.kind, Kind::kOverflow);
    EXPECT_EQ(f.damage_end, cell.begin + 1);
    return std::pair{f.block.user, f.damage};
  };
  const std::pair own{cell.user, cell.begin};
  EXPECT_EQ(diagnosed({cell.begin}), own);
  EXPECT_EQ(diagnosed({before.user_end(), cell.begin}), own) << "the last byte of its tail is whole";
  EXPECT_EQ(diagnosed({before.end - 1, cell.begin}), (std::pair{before.user, before.end - 1}));
  EXPECT_EQ(diagnosed({before.user_end(), before.end - 1, cell.begin}), (std::pair{before.user, before.user_end()}));
  for (void* p : blocks) g_heap.release(p, {}, caller());
}

// Two blocks on pages of their own, a guard page between them.
TEST(DiagnoseGuardTest, OfTwoLiveBlocksTheNearerIsLeft) {
  std::vector<uintptr_t> blocks;
  PagedBlocks::Slot *before = nullptr, *after;
  while (before == nullptr || before->record.state != State::kLive) {
    ASSERT_LT(blocks.size(), 64u);
    blocks.push_back(reinterpret_cast<uintptr_t>(g_heap.allocate(319 * kPage, {}, caller())));  // of 320
    after = g_heap.paged().find(blocks.back());
    ASSERT_NE(after, nullptr);
    before = g_heap.paged().find(after->data - kPage);
  }
  const uintptr_t guard = before->data + before->pages * kPage, first = after->user;
  auto left = [&](uintptr_t at) {
    Finding f;
    EXPECT_TRUE(diagnose_guard(g_heap.view(), at, 1, f));
    EXPECT_EQ(f.kind, Kind::kOverflow);
    EXPECT_EQ(f.guessed, f.block.user == first);
    return f.block.user;
  };
  EXPECT_EQ(left(guard), before->user);
  EXPECT_EQ(left(guard + kPage - 1), first);
  std::erase(blocks, first);
  g_heap.release(reinterpret_cast<void*>(first), {}, caller());
  EXPECT_EQ(left(guard + kPage - 1), before->user) << "the other one is gone";
  for (uintptr_t p : blocks) g_heap.release(reinterpret_cast<void*>(p), {}, caller());
}

// Memory behind the last block that was handed out: what changed in it, to the byte.
TEST(DiagnoseUntouchedTest, WhatChangedWhereNoBlockEverWas) {
  void* farther = g_heap.allocate(1000, {}, caller());
  void* p = g_heap.allocate(200, {}, caller());
  uintptr_t begin = 0, end = 0;
  g_heap.shadow().each_untouched([&](uintptr_t from, uintptr_t to) {
    if (begin == 0 && from > reinterpret_cast<uintptr_t>(p)) begin = from, end = to;
  });
  ASSERT_NE(begin, 0u);
  Finding f;
  EXPECT_FALSE(diagnose_untouched(g_heap.view(), begin, end, f));
  for (uintptr_t from : {begin, begin + 1, begin + 7, begin + 20, end - 2}) {
    for (uintptr_t to : {from + 1, from + 2, end}) {
      for (uintptr_t at : {from, to - 1}) *reinterpret_cast<char*>(at) = 1;
      ASSERT_TRUE(diagnose_untouched(g_heap.view(), begin, end, f = {})) << from - begin << ' ' << to - begin;
      EXPECT_EQ(f.kind, Kind::kOverflow);
      EXPECT_EQ(f.address - begin, from - begin);
      EXPECT_EQ(f.damage, f.address);
      EXPECT_EQ(f.damage_end - begin, to - begin);
      EXPECT_EQ(f.bytes, to - from == 2 ? 2u : to - from == 4 || to - from == 8 ? to - from : 1u);
      EXPECT_TRUE(f.guessed && f.block.known);
      EXPECT_EQ(f.block.user, reinterpret_cast<uintptr_t>(p)) << "the nearest before it";
      for (uintptr_t at : {from, to - 1}) *reinterpret_cast<char*>(at) = 0;
    }
  }
  for (void* block : {p, farther}) g_heap.release(block, {}, caller());
}

TEST(DiagnoseForeignTest, WhatIsNotOursIsNothing) {
  int local = 0;
  Finding f;
  EXPECT_FALSE(diagnose_access(g_heap.view(), reinterpret_cast<uintptr_t>(&local), 4, f));
  for (uintptr_t wild : {uintptr_t{0}, uintptr_t{16}, uintptr_t{0x414141414141}, ~uintptr_t{0} - 15}) {
    EXPECT_FALSE(diagnose_access(g_heap.view(), wild, 1, f)) << wild;
  }
}

}  // namespace
}  // namespace debug
}  // namespace masu
