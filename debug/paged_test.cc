// Blocks on pages of their own: the order of their reuse, and the end of their range.
#include "debug/paged.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "debug/test_heap.h"

namespace masu {

thread_local constinit void* tls_self = nullptr;

namespace debug {
namespace {

class PagedTest : public testing::Test {
 protected:
  PagedTest() { EXPECT_TRUE(paged().place(inner_, 1 << 20)); }
  PagedBlocks& paged() { return *paged_; }
  PagedBlocks::Slot* alloc(size_t bytes) { return paged().alloc(bytes, 16, PagedBlocks::Side::kRight, false); }

  InnerHeap inner_{start_inner};
  std::unique_ptr<PagedBlocks> paged_ = std::make_unique<PagedBlocks>();
};

TEST_F(PagedTest, FreedSlotsComeBackOldestFirst) {
  std::vector<PagedBlocks::Slot*> slots;
  for (int i = 0; i < 5000; ++i) {
    slots.push_back(alloc(100));
    ASSERT_NE(slots.back(), nullptr);
  }
  for (auto* slot : slots) paged().free(*slot);
  EXPECT_EQ(paged().open_bytes(), 0u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(alloc(100), slots[static_cast<size_t>(i)]) << i;
}

TEST_F(PagedTest, TheRangeIsUsedToItsEndAndNoFurther) {
  uintptr_t base;
  size_t bytes;
  paged().range(base, bytes);
  std::vector<PagedBlocks::Slot*> slots;
  for (size_t size = bytes / 4; size >= 4096; size /= 2) {
    while (auto* slot = alloc(size)) {
      ASSERT_LT(slots.size(), 1000u);
      EXPECT_LE(slot->data + (slot->pages + 1) * kPage, base + bytes) << "its guard is inside too";
      slots.push_back(slot);
      slot->user = 0;
    }
  }
  EXPECT_EQ(alloc(1), nullptr);
  for (auto* slot : slots) paged().free(*slot);
}

}  // namespace
}  // namespace debug
}  // namespace masu
