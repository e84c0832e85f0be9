#include "debug/unwind/stack_bounds.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

namespace masu::debug {
namespace {

constexpr uintptr_t kPage = StackBounds::kPage;

// Eight pages; the seventh cannot be read.
class Pages : public ::testing::Test {
 protected:
  Pages() : memory_(mmap(nullptr, 8 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    mprotect(static_cast<char*>(memory_) + 6 * kPage, kPage, PROT_NONE);
  }
  ~Pages() override { munmap(memory_, 8 * kPage); }
  uintptr_t page(uintptr_t index) const { return reinterpret_cast<uintptr_t>(memory_) + index * kPage; }

  void* memory_;
  StackBounds bounds_;
};

TEST_F(Pages, ReadabilityIsTheKernelsAnswerAndErrnoStays) {
  errno = 1234;
  EXPECT_TRUE(page_readable(page(0)));
  EXPECT_TRUE(page_readable(page(5) + kPage - 1));
  EXPECT_FALSE(page_readable(page(6)));
  EXPECT_FALSE(page_readable(0));
  EXPECT_FALSE(page_readable(~uintptr_t{0}));
  munmap(memory_, kPage);
  EXPECT_FALSE(page_readable(page(0)));
  EXPECT_EQ(errno, 1234);
}

TEST_F(Pages, AViewGrowsUpToTheFirstHole) {
  StackView view(bounds_, page(1) + 100, true);
  EXPECT_TRUE(view.reaches(page(2)));
  EXPECT_TRUE(view.reaches(page(6)));
  EXPECT_FALSE(view.reaches(page(6) + 1));
  EXPECT_FALSE(view.reaches(~uintptr_t{0}));
  EXPECT_FALSE(view.reaches(page(1) + (uintptr_t{1} << 40)));
}

TEST_F(Pages, OnlyWhatIsVouchedForIsRemembered) {
  {
    StackView view(bounds_, page(1), true);
    EXPECT_TRUE(view.reaches(page(4)));
  }
  EXPECT_FALSE(bounds_.known().contains(page(2)));
  {
    StackView view(bounds_, page(1), true);
    EXPECT_TRUE(view.reaches(page(4)));
    view.keep();
  }
  EXPECT_EQ(bounds_.known().low, page(1));
  EXPECT_EQ(bounds_.known().high, page(4));
}

TEST_F(Pages, DeeperAndHigherWalksJoin) {
  StackView first(bounds_, page(2), true);
  first.reaches(page(4));
  first.keep();
  StackView deeper(bounds_, page(0), true);
  EXPECT_TRUE(deeper.reaches(page(5)));
  deeper.keep();
  EXPECT_EQ(bounds_.known().low, page(0));
  EXPECT_EQ(bounds_.known().high, page(5));
}

TEST_F(Pages, AnotherStackReplacesTheFirst) {
  StackView thread_stack(bounds_, page(3), true);
  thread_stack.reaches(page(5));
  thread_stack.keep();
  StackView fibre(bounds_, page(0), true);
  fibre.reaches(page(1));
  fibre.keep();
  EXPECT_EQ(bounds_.known().low, page(0));
  EXPECT_EQ(bounds_.known().high, page(1));
}

TEST_F(Pages, AStackPointerOutOfASignalIsNotTrusted) {
  StackView view(bounds_, page(6) + 8, false);
  EXPECT_FALSE(view.reaches(page(6) + 16));
}

}  // namespace
}  // namespace masu::debug
