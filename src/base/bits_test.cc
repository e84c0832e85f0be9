#include "base/bits.h"

#include <gtest/gtest.h>

#include <bitset>
#include <random>

namespace masu {
namespace {

TEST(Bits, Rounding) {
  EXPECT_EQ(align_up(0, 16), 0u);
  EXPECT_EQ(align_up(1, 16), 16u);
  EXPECT_EQ(align_up(16, 16), 16u);
  EXPECT_EQ(align_down(31, 16), 16u);
  EXPECT_EQ(div_up(0, 7), 0u);
  EXPECT_EQ(div_up(7, 7), 1u);
  EXPECT_EQ(div_up(8, 7), 2u);
  EXPECT_FALSE(is_pow2(0));
  for (unsigned i = 0; i < 64; ++i) EXPECT_TRUE(is_pow2(size_t{1} << i));
  EXPECT_FALSE(is_pow2(3));
  EXPECT_FALSE(is_pow2(SIZE_MAX));
}

// Against std::bitset, over random changes of random ranges.
template <unsigned kBits>
void compare_with_bitset() {
  std::mt19937 random(kBits);
  BitString<kBits> bits{};
  std::bitset<kBits> model;
  for (int step = 0; step < 300; ++step) {
    const unsigned first = random() % kBits, count = random() % (kBits - first + 1);
    const bool value = random() % 2 != 0;
    bits.assign(first, count, value);
    for (unsigned i = first; i < first + count; ++i) model[i] = value;
    ASSERT_EQ(bits.count(), model.count());
    for (unsigned i = 0; i < kBits; ++i) ASSERT_EQ(bits.test(i), model[i]) << i;
    for (const bool sought : {false, true}) {
      for (unsigned from = 0; from <= kBits; ++from) {
        unsigned expected = from;
        while (expected < kBits && model[expected] != sought) ++expected;
        ASSERT_EQ(bits.next(from, sought), expected) << from << " " << sought;
      }
      unsigned end = first;
      while (end < first + count && model[end] == sought) ++end;
      ASSERT_EQ(bits.all(first, count, sought), end == first + count);
    }
  }
}

TEST(Bits, BitStringAgreesWithBitset) {
  compare_with_bitset<512>();
  compare_with_bitset<128>();
  compare_with_bitset<64>();
  compare_with_bitset<16>();
}

}  // namespace
}  // namespace masu
