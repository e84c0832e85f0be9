#include "debug/raw_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace masu::debug {
namespace {

constexpr size_t kBytes = 256;

struct Memory {
  alignas(16) uint8_t bytes[kBytes];
  uintptr_t at(size_t i) const { return reinterpret_cast<uintptr_t>(bytes + i); }
};

TEST(RawMemoryTest, NoCanaryByteIsZeroOrText) {
  for (uintptr_t i = 0; i < 8; ++i) EXPECT_GE(pattern_byte(kCanary, i), 0x80);
}

TEST(RawMemoryTest, PatternsFillExactlyTheirRange) {
  for (size_t begin = 0; begin < 40; ++begin) {
    for (size_t end = begin; end < 120; ++end) {
      Memory m = {};
      fill_pattern(kCanary, m.at(begin), m.at(end));
      for (size_t i = 0; i < kBytes; ++i) {
        ASSERT_EQ(m.bytes[i], i >= begin && i < end ? pattern_byte(kCanary, m.at(i)) : 0) << begin << ' ' << end << ' ' << i;
      }
      ASSERT_EQ(first_damage(kCanary, m.at(begin), m.at(end)), m.at(end));
    }
  }
}

TEST(RawMemoryTest, EveryChangedByteIsFound) {
  for (size_t from = 16; from < 48; ++from) {
    const size_t end = 96;
    Memory m = {};
    fill_tail(m.at(from), m.at(end));
    ASSERT_EQ(damage_behind(kCanary, m.at(from), m.at(end)), 0u);
    ASSERT_EQ(damage_behind(kCanary, m.at(end), m.at(end)), 0u) << "no zone, no damage";
    for (size_t i = 0; i < kBytes; ++i) {
      m.bytes[i] ^= 1;
      EXPECT_EQ(damage_behind(kCanary, m.at(from), m.at(end)) != 0, i >= from && i < end) << from << ' ' << i;
      EXPECT_EQ(first_damage(kCanary, m.at(from), m.at(end)), i >= from && i < end ? m.at(i) : m.at(end));
      m.bytes[i] ^= 1;
    }
  }
}

TEST(RawMemoryTest, ABlocksFillStopsAtItsEnd) {
  for (size_t end = 16; end < 120; ++end) {
    Memory m = {};
    fill_block(kPoison, m.at(16), m.at(end));
    for (size_t i = 0; i < kBytes; ++i) ASSERT_EQ(m.bytes[i], i >= 16 && i < end ? 0xDF : 0);
  }
}

TEST(RawMemoryTest, ACopyIsOfAllBytesAndNoOthers) {
  Memory from = {};
  for (size_t i = 0; i < kBytes; ++i) from.bytes[i] = static_cast<uint8_t>(i + 1);
  for (size_t bytes = 0; bytes < 200; ++bytes) {
    Memory m = {};
    raw_copy(m.bytes + 3, from.bytes + 5, bytes);
    for (size_t i = 0; i < kBytes; ++i) ASSERT_EQ(m.bytes[i], i >= 3 && i < 3 + bytes ? from.bytes[i + 2] : 0) << bytes << ' ' << i;
  }
}

TEST(RawMemoryTest, EveryChangedByteOfAFreedCellIsFound) {
  for (size_t end = 16; end <= kBytes; end += 16) {
    Memory m = {};
    fill_granules(kPoison, m.at(16), m.at(end));
    ASSERT_EQ(damage_in_granules(kPoison, m.at(16), m.at(end)), 0u);
    for (size_t i = 0; i < kBytes; ++i) {
      ASSERT_EQ(m.bytes[i], i >= 16 && i < end ? 0xDF : 0);
      m.bytes[i] ^= 0x40;
      ASSERT_EQ(damage_in_granules(kPoison, m.at(16), m.at(end)) != 0, i >= 16 && i < end) << end << ' ' << i;
      m.bytes[i] ^= 0x40;
    }
  }
}

TEST(RawMemoryTest, LongRunsAreFilledAndCopiedToTheirEnds) {
  constexpr size_t kLong = 3 * machine::kLongRun;
  std::vector<uint64_t> from(kLong / 8, 0x0123456789ABCDEFu), to(kLong / 8 + 4);
  for (size_t bytes : {machine::kLongRun - 16, machine::kLongRun, machine::kLongRun + 16, kLong}) {
    std::fill(to.begin(), to.end(), 7);
    const uintptr_t at = reinterpret_cast<uintptr_t>(to.data() + 2);
    fill_granules(kPoison, at, at + bytes);
    for (size_t i = 0; i < to.size(); ++i) ASSERT_EQ(to[i], i >= 2 && i < 2 + bytes / 8 ? kPoison : 7) << bytes;
    raw_copy(to.data() + 1, from.data(), bytes);
    for (size_t i = 0; i < to.size(); ++i) {
      ASSERT_EQ(to[i], i >= 1 && i < 1 + bytes / 8 ? from[0] : i == 1 + bytes / 8 ? kPoison : 7) << bytes;
    }
  }
}

}  // namespace
}  // namespace masu::debug
