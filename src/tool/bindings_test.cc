#include "tool/bindings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace masu::tool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Bindings read(const std::string& text) {
  std::istringstream in(text);
  Bindings bindings;
  read_bindings(in, "libmasu.so", bindings);
  return bindings;
}

TEST(Bindings, SeesWhoWasTakenOver) {
  const Bindings b = read(
      "      7:\tbinding file /lib/libc.so.6 [0] to /opt/libmasu.so [0]: normal symbol `malloc' "
      "[GLIBC_2.2.5]\n"
      "      7:\tbinding file app [0] to /opt/libmasu.so [0]: normal symbol `_ZdlPvm' [CXXABI_1.3.9]\n");
  EXPECT_THAT(b.taken_over, ElementsAre("/lib/libc.so.6", "app"));
  EXPECT_THAT(b.elsewhere, IsEmpty());
}

TEST(Bindings, SeesWhoGotMallocElsewhere) {
  const Bindings b = read(
      "      7:\tbinding file ./plugin.so [0] to /lib/libc.so.6 [0]: normal symbol `free' [GLIBC_2.2.5]\n"
      "      7:\tbinding file ./plugin.so [0] to /lib/libc.so.6 [0]: normal symbol `malloc' [GLIBC_2.2.5]\n");
  ASSERT_EQ(b.elsewhere.count("./plugin.so"), 1u);
  EXPECT_THAT(b.elsewhere.at("./plugin.so").at("/lib/libc.so.6"), ElementsAre("free", "malloc"));
  EXPECT_THAT(b.taken_over, IsEmpty());
}

TEST(Bindings, OtherSymbolsOtherLinesAndMasuItselfDoNotCount) {
  const Bindings b = read(
      "      7:\tbinding file app [0] to /lib/libc.so.6 [0]: normal symbol `mallopt_like' [GLIBC_2.2.5]\n"
      "      7:\tbinding file /opt/libmasu.so [0] to /lib/libc.so.6 [0]: normal symbol `free' [GLIBC_2.2.5]\n"
      "      7:\tbinding file app [0] to\n"
      "free malloc\n");
  EXPECT_THAT(b.taken_over, IsEmpty());
  EXPECT_THAT(b.elsewhere, IsEmpty());
}

TEST(Bindings, ALibraryWithALongerNameIsNotMasu) {
  const Bindings b = read(
      "      7:\tbinding file app [0] to /opt/notlibmasu.so [0]: normal symbol `malloc' [GLIBC_2.2.5]\n");
  EXPECT_THAT(b.taken_over, IsEmpty());
  EXPECT_EQ(b.elsewhere.size(), 1u);
}

}  // namespace
}  // namespace masu::tool
