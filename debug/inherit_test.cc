#include "debug/inherit.h"

#include <gtest/gtest.h>

#include <string>

namespace masu::debug {
namespace {

std::string without(std::string list) {
  remove_from_preload(list.data(), "/opt/masu/libmasu-debug.so");
  return list.c_str();
}

TEST(Inherit, TakesOnlyOursOut) {
  EXPECT_EQ(without(""), "");
  EXPECT_EQ(without("/opt/masu/libmasu-debug.so"), "");
  EXPECT_EQ(without("libmasu-debug.so"), "");
  EXPECT_EQ(without("libm.so.6"), "libm.so.6");
  EXPECT_EQ(without("/x/libmasu-debug.so:libm.so.6"), "libm.so.6");
  EXPECT_EQ(without("a.so:/x/libmasu-debug.so b.so"), "a.so:b.so");
  EXPECT_EQ(without("a.so /x/libmasu-debug.so"), "a.so ");
  EXPECT_EQ(without("mylibmasu-debug.so:libmasu-debug.so.2"), "mylibmasu-debug.so:libmasu-debug.so.2");
}

}  // namespace
}  // namespace masu::debug
