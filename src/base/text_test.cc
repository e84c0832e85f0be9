#include "base/text.h"

#include <gtest/gtest.h>

#include <string>

namespace masu {
namespace {

std::string str(const Text& t) { return {t.data(), t.size()}; }

TEST(Text, Numbers) {
  Text t;
  t.dec(0) << " ";
  t.dec(UINT64_MAX) << " ";
  t.hex(uint64_t{0}) << " ";
  t.hex(UINT64_MAX) << " ";
  t.hex(reinterpret_cast<const void*>(0xdeadbeef)).put('.').put("abcdef", 3);
  EXPECT_EQ(str(t), "0 18446744073709551615 0x0 0xffffffffffffffff 0xdeadbeef.abc");
}

TEST(Text, CutsAtItsEnd) {
  Text t;
  for (int i = 0; i < 200; ++i) t << "abcd";
  EXPECT_EQ(t.size(), 512u);
  EXPECT_EQ(str(t).substr(508), "abcd");
}

}  // namespace
}  // namespace masu
