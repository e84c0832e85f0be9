// The debug lane's rules: what a call means to the program, and which arguments end it with a report.
#include "api/rules.h"  // first: the forms of operator new
#include "debug/rules.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

#include "debug/test_heap.h"

namespace masu {

thread_local constinit void* tls_self = nullptr;

namespace debug {
namespace {

struct Fixed : TestHeap {
  DebugRules rules{heap};
};
Fixed& fixed() {
  static Fixed f;
  return f;
}
DebugRules& rules() { return fixed().rules; }

}  // namespace

DebugHeap& debug_heap() { return fixed().heap; }

namespace {

size_t usable(void* p) { return fixed().heap.usable_size(p); }
bool is_aligned(void* p, size_t align) { return p != nullptr && reinterpret_cast<uintptr_t>(p) % align == 0; }
void give(void* p) { rules().free_sized(p, usable(p)); }

TEST(DebugRulesTest, PvallocRoundsUpToPages) {
  for (const auto& [asked, got] : {std::pair<size_t, size_t>{0, 1}, {1, 1}, {4095, 1}, {4096, 1}, {4097, 2}, {100000, 25}}) {
    void* p = rules().pvalloc(asked, kPage);
    EXPECT_TRUE(is_aligned(p, kPage)) << asked;
    EXPECT_EQ(usable(p), got * kPage) << asked;
    give(p);
  }
}

TEST(DebugRulesTest, AlignedCalls) {
  for (size_t align = 16; align <= (size_t{1} << 20); align *= 4) {
    void* p = nullptr;
    EXPECT_EQ(rules().posix_memalign(&p, align, 100), 0);
    for (void* q : {p, rules().aligned_alloc(align, 100), rules().memalign(align, 100)}) {
      EXPECT_TRUE(is_aligned(q, align)) << align;
      EXPECT_EQ(usable(q), 100u);
      rules().free_aligned_sized(q, align, 100);
    }
  }
  void* page = rules().valloc(100, kPage);
  EXPECT_TRUE(is_aligned(page, kPage));
  give(page);
  void* any = rules().memalign(0, 100);
  EXPECT_TRUE(is_aligned(any, 16));
  give(any);
}

TEST(DebugRulesTest, SizesAndContents) {
  auto* p = static_cast<char*>(rules().calloc(7, 10));
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(usable(p), 70u);
  for (int i = 0; i < 70; ++i) EXPECT_EQ(p[i], 0);
  memset(p, 7, 70);
  p = static_cast<char*>(rules().reallocarray(p, 20, 10));
  EXPECT_EQ(usable(p), 200u);
  for (int i = 0; i < 70; ++i) EXPECT_EQ(p[i], 7);
  p = static_cast<char*>(rules().realloc(p, 30));
  EXPECT_EQ(usable(p), 30u);
  EXPECT_EQ(rules().realloc(p, 0), nullptr);
}

// No mistake for sure, and not to be had.
TEST(DebugRulesTest, TheLargestSizeIsRefusedWithoutAReport) {
  void* p = rules().malloc(10);
  for (auto ask : {+[](void*) { return rules().malloc(PTRDIFF_MAX); }, +[](void*) { return rules().calloc(PTRDIFF_MAX, 1); },
                   +[](void* q) { return rules().realloc(q, PTRDIFF_MAX); }, +[](void* q) { return rules().reallocarray(q, 1, PTRDIFF_MAX); }}) {
    errno = 0;
    EXPECT_EQ(ask(p), nullptr);
    EXPECT_EQ(errno, ENOMEM);
  }
  give(p);
}

TEST(DebugRulesTest, BlocksOfOperatorNew) {
  void* p = rules().new_block(40, 0, NewForm::kArray);
  EXPECT_EQ(usable(p), 40u);
  rules().delete_block(p, NewForm::kArray, kUnsaid, 0);
  p = rules().new_block(40, 0, NewForm::kScalar);
  rules().delete_block(p, NewForm::kScalar, 40, 1);  // of a type that any address suits
}

using DebugRulesDeathTest = testing::Test;

TEST(DebugRulesDeathTest, RefusesWhatIsSurelyAMistake) {
  volatile size_t half = SIZE_MAX / 2 + 2, most = SIZE_MAX;
  void* p = nullptr;
  EXPECT_DEATH(rules().malloc(half), "allocation-size-too-big");
  EXPECT_DEATH(rules().calloc(half, 1), "allocation-size-too-big");
  EXPECT_DEATH(rules().calloc(half, 2), "calloc-overflow");
  EXPECT_DEATH(rules().reallocarray(nullptr, half, 2), "reallocarray-overflow");
  EXPECT_DEATH(rules().pvalloc(most - 100, kPage), "pvalloc-overflow");
  EXPECT_DEATH(rules().posix_memalign(&p, 24, 1), "invalid-posix-memalign-alignment");
  EXPECT_DEATH(rules().posix_memalign(&p, 4, 1), "invalid-posix-memalign-alignment");
  EXPECT_DEATH(rules().aligned_alloc(24, 1), "invalid-aligned-alloc-alignment");
}

}  // namespace
}  // namespace debug
}  // namespace masu
