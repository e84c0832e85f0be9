// What lies at an address, as /proc/self/maps has it.
#include "debug/places.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "base/bits.h"
#include "base/text.h"

namespace masu::debug {
namespace {

constexpr size_t kBytes = 4096;
int g_global = 1;

std::string place_of(const void* p) {
  Text text;
  describe_place(text, reinterpret_cast<uintptr_t>(p));
  return {text.data(), text.size()};
}

class PlacesTest : public testing::Test {
 protected:
  // Three neighbours that the kernel keeps apart; the middle one cannot be read.
  PlacesTest() : at_(static_cast<char*>(mmap(nullptr, 3 * kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    mprotect(at_ + kBytes, kBytes, PROT_NONE);
    mprotect(at_ + 2 * kBytes, kBytes, PROT_READ | PROT_WRITE);
    begin_ = reinterpret_cast<uintptr_t>(at_);
  }
  ~PlacesTest() override { munmap(at_, 3 * kBytes); }

  char* at_;
  uintptr_t begin_;
};

TEST_F(PlacesTest, AMappingEndsWhereTheNextBegins) {
  uintptr_t begin = 0, end = 0;
  EXPECT_TRUE(find_mapping_bounds(begin_, begin, end));
  EXPECT_LE(begin, begin_);
  EXPECT_EQ(end, begin_ + kBytes);
  EXPECT_TRUE(find_mapping_bounds(begin_ + kBytes - 1, begin, end));
  EXPECT_EQ(end, begin_ + kBytes);
  EXPECT_TRUE(find_mapping_bounds(begin_ + 2 * kBytes, begin, end));
  EXPECT_EQ(begin, begin_ + 2 * kBytes);
  EXPECT_GE(end, begin_ + 3 * kBytes);
}

TEST_F(PlacesTest, WhatCannotBeReadHasNoBounds) {
  uintptr_t begin = 0, end = 0;
  EXPECT_FALSE(find_mapping_bounds(begin_ + kBytes, begin, end));
  EXPECT_FALSE(find_mapping_bounds(begin_ + 2 * kBytes - 1, begin, end));
  EXPECT_FALSE(find_mapping_bounds(0x10, begin, end));
}

TEST_F(PlacesTest, TheBreak) {
  const auto p = reinterpret_cast<uintptr_t>(sbrk(kBytes));
  uintptr_t begin = 0, end = 0;
  ASSERT_TRUE(find_break(begin, end));
  EXPECT_LE(begin, p);
  EXPECT_GE(end, align_down(p + kBytes, kBytes));
}

TEST_F(PlacesTest, EachHasItsWords) {
  const void* frame = __builtin_frame_address(0);
  EXPECT_TRUE(place_of(frame).starts_with("the stack of "));  // this one; ASan moves the locals that it is told by
  std::thread([&] { EXPECT_EQ(place_of(frame), "the stack of the main thread"); }).join();
  EXPECT_EQ(place_of(&g_global), "global data of the program");
  EXPECT_EQ(place_of(reinterpret_cast<const void*>(&place_of)), "code of the program");
  EXPECT_EQ(place_of(reinterpret_cast<const void*>(0x10)), "unmapped memory");
  EXPECT_EQ(place_of(reinterpret_cast<const void*>(uintptr_t{1} << 63)), "no address space of the program (unmapped, not canonical)");
  EXPECT_EQ(place_of(at_), "a mapping of the program's own ");
  EXPECT_EQ(place_of(at_ + kBytes), "a mapping of the program's own ");
}

TEST_F(PlacesTest, AFileIsNamed) {
  char path[] = "/tmp/masu-places-XXXXXX";
  const int fd = mkstemp(path);
  ASSERT_EQ(ftruncate(fd, kBytes), 0);
  void* p = mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE, fd, 0);
  EXPECT_EQ(place_of(p), std::string("a mapping of the program's own ") + path);
  munmap(p, kBytes);
  close(fd);
  unlink(path);
}

}  // namespace
}  // namespace masu::debug
