// Blocks on pages of their own: the order of their reuse, the end of their range, and kernels that give less.
#include "debug/paged.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <vector>

#include "debug/test_heap.h"
#include "debug/unwind/stack_bounds.h"
#include "os/test_refuse.h"

namespace masu {

thread_local constinit void* tls_self = nullptr;

namespace debug {
namespace {

class PagedTest : public testing::Test {
 protected:
  static constexpr size_t kRange = 64 * kMiB;

  PagedTest() { EXPECT_TRUE(paged().place(inner_, 1 << 20, kRange)); }
  ~PagedTest() override { unmap(paged()); }
  static void unmap(const PagedBlocks& blocks) {
    uintptr_t base;
    size_t bytes;
    blocks.range(base, bytes);
    munmap(reinterpret_cast<void*>(base), bytes);
  }
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

TEST_F(PagedTest, FreshSlotsLieAGuardApartAndAllAreVisited) {
  std::vector<const PagedBlocks::Slot*> slots, visited;
  for (const size_t pages : {1, 3, 1, 2}) slots.push_back(alloc(pages * kPage));
  for (size_t i = 1; i < slots.size(); ++i) EXPECT_EQ(slots[i]->data, slots[i - 1]->data + (slots[i - 1]->pages + 1) * kPage);
  paged().each([&](const PagedBlocks::Slot& slot) { visited.push_back(&slot); });
  EXPECT_EQ(visited, slots);
}

TEST_F(PagedTest, FetchedPagesAreThoseOfTheBytes) {
  PagedBlocks::Slot* slot = alloc(8 * kPage);
  paged().fetch(slot->user + kPage + 100, 2 * kPage);
  unsigned char resident[8] = {};
  ASSERT_EQ(mincore(reinterpret_cast<void*>(slot->data), sizeof(resident) * kPage, resident), 0);
  for (size_t i = 0; i < std::size(resident); ++i) EXPECT_EQ(resident[i] & 1, i >= 1 && i <= 3) << i;
  EXPECT_EQ(*reinterpret_cast<char*>(slot->user + 2 * kPage), 0);
}

// Behind its first guard a range has an odd number of pages. Slots of two, guards with them, leave the last page over; with one
// of three among them they end where the range does.
TEST_F(PagedTest, TheRangeIsUsedToItsEndAndNoFurther) {
  for (const size_t first : {kPage, 2 * kPage}) {
    auto blocks = std::make_unique<PagedBlocks>();
    ASSERT_TRUE(blocks->place(inner_, 1 << 20, kRange));
    uintptr_t base;
    size_t bytes;
    blocks->range(base, bytes);
    ASSERT_EQ(bytes, kRange);
    auto take = [&](size_t n) { return blocks->alloc(n, 16, PagedBlocks::Side::kRight, false); };
    std::vector<PagedBlocks::Slot*> slots{take(first)};
    while (auto* slot = take(kPage)) {
      ASSERT_LT(slots.size(), bytes / kPage);
      slots.push_back(slot);
    }
    EXPECT_EQ(slots.back()->data + 2 * kPage, first == kPage ? base + bytes - kPage : base + bytes);
    for (auto* slot : slots) blocks->free(*slot);
    EXPECT_EQ(take(first), slots[0]) << "what was freed is used again";
    EXPECT_FALSE(blocks->covers(base + bytes) || blocks->covers(base - 1));
    EXPECT_EQ(blocks->find(base + bytes), nullptr);
    EXPECT_EQ(blocks->find(base), nullptr) << "the first guard is nobody's";
    unmap(*blocks);
  }
}

// What every kernel's guards do; false where one does not.
bool guards_hold(PagedBlocks& paged) {
  for (size_t bytes : {size_t{1}, 3 * kPage, 40 * kPage}) {
    for (int round = 0; round < 2; ++round) {
      auto* slot = paged.alloc(bytes, 16, PagedBlocks::Side::kRight, false);
      if (slot == nullptr || slot->user + bytes > slot->data + slot->pages * kPage) return false;
      auto* p = reinterpret_cast<volatile char*>(slot->user);
      const uintptr_t last = slot->user + bytes - 1, guard = slot->data + slot->pages * kPage;
      if (p[0] != 0 || p[bytes - 1] != 0 || page_readable(guard) || page_readable(slot->data - 1)) return false;
      p[0] = 1;
      p[bytes - 1] = 1;
      if (paged.find(guard) != slot || !paged.is_guard(guard) || paged.is_guard(last)) return false;
      paged.free(*slot);
      if (page_readable(last) || page_readable(slot->data)) return false;
    }
  }
  return true;
}

// A kernel before 6.13 knows no guard markers.
void refuse_markers() { test::refuse_call(SYS_madvise, {102, 103}); }

TEST_F(PagedTest, FreedPagesAndGuardsAreClosed) { EXPECT_TRUE(guards_hold(paged())); }

using PagedDeathTest = PagedTest;

TEST_F(PagedDeathTest, WithoutMarkersTheyAreClosedToo) {
  auto old = std::make_unique<PagedBlocks>();
  EXPECT_EXIT((refuse_markers(), old->place(inner_, 1 << 20), _exit(guards_hold(*old) ? 0 : 1)), testing::ExitedWithCode(0), "");
}

// Each block splits a mapping in three; a quarter of those that a process may have are for blocks.
TEST_F(PagedDeathTest, WithoutMarkersMappingsAreCounted) {
  auto old = std::make_unique<PagedBlocks>();
  auto counts = [&] {
    refuse_markers();
    old->place(inner_, 40);
    std::vector<PagedBlocks::Slot*> slots;
    while (auto* slot = old->alloc(100, 16, PagedBlocks::Side::kRight, false)) slots.push_back(slot);
    if (slots.size() != 5 || old->refused() != 1) return false;
    for (auto* slot : {slots[2], slots[4]}) old->free(*slot);
    for (int i = 0; i < 2; ++i) {
      if (old->alloc(100, 16, PagedBlocks::Side::kRight, false) == nullptr) return false;
    }
    return old->alloc(100, 16, PagedBlocks::Side::kRight, false) == nullptr;
  };
  EXPECT_EXIT(_exit(counts() ? 0 : 1), testing::ExitedWithCode(0), "");
}

// Whatever of its tables finds no room, it works or is not there.
TEST(SmallAddressSpaceDeathTest, WithTooLittleThereIsNoRange) {
  if (dlsym(RTLD_DEFAULT, "__asan_init") != nullptr || dlsym(RTLD_DEFAULT, "__tsan_init") != nullptr) GTEST_SKIP() << "a sanitizer needs the address space";
  auto small = std::make_unique<PagedBlocks>();
  auto try_with = [&](size_t room) {
    constexpr size_t kAllowed = 256 * kMiB;
    InnerHeap asked{start_inner};
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlimit limit{kAllowed, kAllowed};
    const size_t filler = kAllowed - room - pages * kPage;
    if (mmap(nullptr, filler, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED || setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
    if (!small->place(asked, 1 << 20)) return;
    if (auto* slot = small->alloc(100, 16, PagedBlocks::Side::kRight, false)) *reinterpret_cast<volatile char*>(slot->user) = 1;
  };
  for (size_t room = 64 * kMiB - 64 * kKiB; room < 65 * kMiB; room += 64 * kKiB) {
    EXPECT_EXIT((try_with(room), _exit(0)), testing::ExitedWithCode(0), "") << room;
  }
}

}  // namespace
}  // namespace debug
}  // namespace masu
