#include "heap/link.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>

namespace masu {
namespace {

struct Blocks {
  alignas(16) uintptr_t words[64][2];
  uintptr_t at(unsigned i) { return reinterpret_cast<uintptr_t>(words[i]); }
};

TEST(Link, GetsWhatWasSet) {
  const LinkCodec links(0x1234567890abcdef);
  Blocks b{};
  for (unsigned i = 0; i < 63; ++i) links.set(b.at(i), b.at(i + 1));
  links.set(b.at(63), 0);
  unsigned n = 0;
  for (uintptr_t p = b.at(0); p != 0; p = links.get(p)) ++n;
  EXPECT_EQ(n, 64u);
}

TEST(Link, AlienWordsDecodeToNonsense) {
  const LinkCodec links(0x1234567890abcdef), other(0x1234567890abcdee);
  Blocks b{};
  links.set(b.at(0), b.at(5));
  EXPECT_NE(other.get(b.at(0)), b.at(5)) << "another process's key";
  b.words[1][0] = b.words[0][0];
  EXPECT_NE(links.get(b.at(1)), b.at(5)) << "a link copied to another block";
  b.words[2][0] = b.at(5);
  EXPECT_NE(links.get(b.at(2)), b.at(5)) << "a plain address";
  b.words[3][0] = 0;
  EXPECT_NE(links.get(b.at(3)), 0u);
}

TEST(Link, NeighboursShareNoMask) {
  const LinkCodec links(77);
  Blocks b{};
  std::set<uintptr_t> masks;
  for (unsigned i = 0; i < 64; ++i) {
    links.set(b.at(i), 0);
    masks.insert(b.words[i][0]);
    if (i > 0) { EXPECT_GE(std::popcount(b.words[i][0] ^ b.words[i - 1][0]), 12); }
  }
  EXPECT_EQ(masks.size(), 64u);
}

TEST(Link, WipeLeavesNoTrace) {
  const LinkCodec links(77);
  Blocks b{};
  links.set(b.at(0), b.at(1), b.at(8));
  links.wipe(b.at(0));
  EXPECT_EQ(b.words[0][0], 0u);
  EXPECT_EQ(b.words[0][1], 0u);
}

}  // namespace
}  // namespace masu
