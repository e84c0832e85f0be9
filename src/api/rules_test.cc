#include "api/rules.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "heap/test_lanes.h"

namespace masu {
namespace {

// errno as a caller sees it: what a call must set it to, or must leave it at.
constexpr int kUntouched = 4711;
template <class Call>
int errno_after(Call call) {
  errno = kUntouched;
  call();
  return errno;
}

template <class Lane>
class RulesTest : public testing::Test {
 protected:
  test::TestHeap<Lane> heap_;
  Rules<Allocator<Lane>> rules_{*heap_};
};
TYPED_TEST_SUITE(RulesTest, test::Lanes);

constexpr size_t kTooMuch[] = {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 4095, size_t{PTRDIFF_MAX} + 1, size_t{PTRDIFF_MAX}};

TYPED_TEST(RulesTest, SuccessLeavesErrno) {
  auto& r = this->rules_;
  void* p = nullptr;
  for (size_t bytes : {0u, 1u, 100u, 5000u, 100000u, 3000000u}) {
    EXPECT_EQ(errno_after([&] { p = r.malloc(bytes); }), kUntouched);
    EXPECT_NE(p, nullptr) << "a unique block even for 0 bytes";
    EXPECT_EQ(errno_after([&] { p = r.realloc(p, bytes + 1); }), kUntouched);
    EXPECT_EQ(errno_after([&] { r.heap.free(p); }), kUntouched);
    EXPECT_EQ(errno_after([&] { p = r.calloc(bytes, 1); }), kUntouched);
    EXPECT_EQ(errno_after([&] { r.heap.free(p); }), kUntouched);
    EXPECT_EQ(errno_after([&] { p = r.memalign(64, bytes); }), kUntouched);
    EXPECT_EQ(errno_after([&] { r.heap.free(p); }), kUntouched);
  }
  EXPECT_EQ(errno_after([&] { this->heap_->trim(); }), kUntouched);
  EXPECT_EQ(errno_after([&] { this->heap_->purge(true); }), kUntouched);
  EXPECT_EQ(this->heap_->census(), 0u);
}

TYPED_TEST(RulesTest, TooMuchIsEnomem) {
  auto& r = this->rules_;
  void* block = r.malloc(100);
  test::fill(block, 100, 1);
  void* p = block;
  for (size_t bytes : kTooMuch) {
    EXPECT_EQ(errno_after([&] { p = r.malloc(bytes); }), ENOMEM);
    EXPECT_EQ(p, nullptr);
    EXPECT_EQ(errno_after([&] { p = r.calloc(1, bytes); }), ENOMEM);
    EXPECT_EQ(p, nullptr);
    EXPECT_EQ(errno_after([&] { p = r.realloc(block, bytes); }), ENOMEM);
    EXPECT_EQ(p, nullptr);
    EXPECT_EQ(errno_after([&] { p = r.reallocarray(block, bytes, 1); }), ENOMEM);
    EXPECT_EQ(p, nullptr);
    for (size_t align : {16u, 4096u, 1u << 20}) {
      EXPECT_EQ(errno_after([&] { p = r.aligned_alloc(align, bytes); }), ENOMEM);
      EXPECT_EQ(p, nullptr);
      EXPECT_EQ(errno_after([&] { p = r.memalign(align, bytes); }), ENOMEM);
      EXPECT_EQ(p, nullptr);
    }
    EXPECT_EQ(errno_after([&] { p = r.valloc(bytes, kPage); }), ENOMEM);
    EXPECT_EQ(p, nullptr);
    EXPECT_EQ(errno_after([&] { p = r.pvalloc(bytes, kPage); }), ENOMEM);
    EXPECT_EQ(p, nullptr);
  }
  EXPECT_TRUE(test::filled(block, 100, 1)) << "a failed realloc leaves the block";
  r.heap.free(block);
}

TYPED_TEST(RulesTest, ProductsThatOverflow) {
  auto& r = this->rules_;
  const std::pair<size_t, size_t> products[] = {
      {SIZE_MAX, 2}, {2, SIZE_MAX}, {size_t{1} << 32, size_t{1} << 32}, {(size_t{1} << 32) + 1, size_t{1} << 32},
      {SIZE_MAX / 2 + 1, 2}, {SIZE_MAX, SIZE_MAX}};
  void* block = r.malloc(10);
  for (auto [n, bytes] : products) {
    void* p = block;
    EXPECT_EQ(errno_after([&] { p = r.calloc(n, bytes); }), ENOMEM) << n << " * " << bytes;
    EXPECT_EQ(p, nullptr);
    p = block;
    EXPECT_EQ(errno_after([&] { p = r.reallocarray(block, n, bytes); }), ENOMEM);
    EXPECT_EQ(p, nullptr);
  }
  void* p = r.calloc(7, 9);
  EXPECT_TRUE(test::all_zero(p, 63));
  r.heap.free(p);
  p = r.reallocarray(block, 20, 30);
  EXPECT_GE(r.heap.usable_size(p), 600u);
  r.heap.free(p);
  for (auto [n, bytes] : {std::pair<size_t, size_t>{0, SIZE_MAX}, {SIZE_MAX, 0}, {0, 0}}) {
    p = r.calloc(n, bytes);
    EXPECT_NE(p, nullptr);
    r.heap.free(p);
  }
  EXPECT_EQ(this->heap_->census(), 0u);
}

// glibc: realloc(p, 0) frees and returns null, errno as it was; realloc(null, n) is malloc.
TYPED_TEST(RulesTest, ReallocOfNothingAndToNothing) {
  auto& r = this->rules_;
  void* p = r.malloc(100);
  void* q = p;
  EXPECT_EQ(errno_after([&] { q = r.realloc(p, 0); }), kUntouched);
  EXPECT_EQ(q, nullptr);
  EXPECT_EQ(this->heap_->census(), 0u);
  p = r.malloc(100);
  EXPECT_EQ(errno_after([&] { q = r.reallocarray(p, 0, 8); }), kUntouched);
  EXPECT_EQ(q, nullptr);
  EXPECT_EQ(this->heap_->census(), 0u);
  for (size_t bytes : {0u, 40u}) {
    p = r.realloc(nullptr, bytes);
    EXPECT_NE(p, nullptr);
    r.heap.free(p);
  }
}

TYPED_TEST(RulesTest, PosixMemalign) {
  auto& r = this->rules_;
  int sentinel = 0;
  void* out = &sentinel;
  for (size_t align : {size_t{0}, size_t{1}, size_t{2}, size_t{4}, size_t{12}, size_t{24}, size_t{48}, size_t{100}, SIZE_MAX, (size_t{1} << 63) + 8}) {
    EXPECT_EQ(errno_after([&] { EXPECT_EQ(r.posix_memalign(&out, align, 10), EINVAL) << align; }), kUntouched);
    EXPECT_EQ(out, &sentinel);
  }
  for (size_t bytes : kTooMuch) {
    EXPECT_EQ(errno_after([&] { EXPECT_EQ(r.posix_memalign(&out, 64, bytes), ENOMEM); }), kUntouched);
    EXPECT_EQ(out, &sentinel);
  }
  EXPECT_EQ(errno_after([&] { EXPECT_EQ(r.posix_memalign(&out, size_t{1} << 63, 10), ENOMEM); }), kUntouched);
  EXPECT_EQ(out, &sentinel);
  for (size_t align = sizeof(void*); align <= 4 * kMiB; align *= 2) {
    for (size_t bytes : {0u, 1u, 1000u, 100000u}) {
      EXPECT_EQ(errno_after([&] { EXPECT_EQ(r.posix_memalign(&out, align, bytes), 0); }), kUntouched);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(out) % align, 0u);
      EXPECT_GE(r.heap.usable_size(out), bytes);
      r.heap.free(out);
    }
  }
}

// C23: EINVAL for what is no power of two; the size need be no multiple.
TYPED_TEST(RulesTest, AlignedAlloc) {
  auto& r = this->rules_;
  for (size_t align : {size_t{0}, size_t{3}, size_t{24}, size_t{4095}, SIZE_MAX}) {
    void* p = &r;
    EXPECT_EQ(errno_after([&] { p = r.aligned_alloc(align, 10); }), EINVAL);
    EXPECT_EQ(p, nullptr);
  }
  for (size_t align = 1; align <= 4 * kMiB; align *= 2) {
    void* p = r.aligned_alloc(align, 10);
    EXPECT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % align, 0u);
    r.heap.free(p);
  }
}

// glibc: rounded up to a power of two; EINVAL where there is none.
TYPED_TEST(RulesTest, Memalign) {
  auto& r = this->rules_;
  for (auto [asked, got] : {std::pair<size_t, size_t>{0, 16}, {1, 16}, {3, 4}, {24, 32}, {100, 128}, {4097, 8192}, {3 * kMiB, 4 * kMiB}}) {
    void* p = r.memalign(asked, 10);
    EXPECT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % got, 0u) << asked;
    r.heap.free(p);
  }
  void* p = &r;
  EXPECT_EQ(errno_after([&] { p = r.memalign(SIZE_MAX, 10); }), EINVAL);
  EXPECT_EQ(p, nullptr);
  EXPECT_EQ(errno_after([&] { p = r.memalign((size_t{1} << 63) + 1, 10); }), EINVAL);
  EXPECT_EQ(p, nullptr);
  EXPECT_EQ(errno_after([&] { p = r.memalign(size_t{1} << 63, 10); }), ENOMEM);
  EXPECT_EQ(p, nullptr);
}

TYPED_TEST(RulesTest, Pages) {
  auto& r = this->rules_;
  for (size_t page : {kPage, 16 * kKiB, 64 * kKiB}) {
    for (size_t bytes : {size_t{0}, size_t{1}, page, page + 1}) {
      void* v = r.valloc(bytes, page);
      void* p = r.pvalloc(bytes, page);
      ASSERT_NE(v, nullptr);
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(v) % page, 0u);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % page, 0u);
      EXPECT_GE(r.heap.usable_size(p), align_up(max_of<size_t>(bytes, 1), page));
      r.heap.free(v);
      r.heap.free(p);
    }
  }
}

// Memory that is out, and free in that state.
TEST(RulesAtTheLimit, EnomemAndFreeKeepsErrno) {
  using Lane = test::FaultLane;
  HeapConfig config;
  config.arena_limit = Arena<Lane>::kSegmentBytes;
  test::TestHeap<Lane> heap(config);
  Rules<Allocator<Lane>> r{*heap};
  std::vector<void*> blocks;
  errno = kUntouched;
  while (void* p = r.malloc(50000)) {
    EXPECT_EQ(errno, kUntouched);
    blocks.push_back(p);
  }
  EXPECT_EQ(errno, ENOMEM);
  void* p = nullptr;
  EXPECT_EQ(errno_after([&] { p = r.realloc(blocks[0], r.heap.usable_size(blocks[0])); }), kUntouched) << "fits where it is";
  heap->core().os.fail(test::OsCall::kMap, 1, true);
  EXPECT_EQ(errno_after([&] { p = r.malloc(kMiB); }), ENOMEM);
  EXPECT_EQ(errno_after([&] { EXPECT_EQ(r.posix_memalign(&p, 64, kMiB), ENOMEM); }), kUntouched);
  heap->core().os.heal();
  for (void* b : blocks) EXPECT_EQ(errno_after([&] { r.heap.free(b); }), kUntouched);
}

}  // namespace
}  // namespace masu
