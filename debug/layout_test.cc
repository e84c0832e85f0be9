// Where a block lies in its cell, to the byte: a byte more than needed would put many blocks into the next class.
#include "debug/layout.h"

#include <gtest/gtest.h>

namespace masu::debug {
namespace {

TEST(LayoutTest, ACellIsTheBlockWithItsRedZonesAndNoMore) {
  EXPECT_EQ(cell_bytes(0, 0), 32u);
  EXPECT_EQ(cell_bytes(15, 0), 32u);
  EXPECT_EQ(cell_bytes(16, 0), 33u);
  EXPECT_EQ(cell_bytes(1000, 16), 1017u);
  EXPECT_EQ(cell_bytes(1000, 32), 1049u);
}

TEST(LayoutTest, ABlockBeginsBehindItsFront) {
  EXPECT_EQ(user_of_block(0x1000, 0), 0x1010u);
  EXPECT_EQ(user_of_block(0x1000, 4), 0x1010u);
  EXPECT_EQ(user_of_block(0x1000, 6), 0x1040u);
  EXPECT_EQ(user_of_block(0x1030, 6), 0x1040u);
}

}  // namespace
}  // namespace masu::debug
