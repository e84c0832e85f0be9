#include "heap/peak.h"

#include <gtest/gtest.h>

namespace masu {
namespace {

TEST(Peak, FallsToHalfOfTheMost) {
  Peak peak;
  EXPECT_FALSE(peak.rose(100, 10)) << "there was no fall to rise from";
  EXPECT_FALSE(peak.rose(80, 10));
  EXPECT_FALSE(peak.halved(51, 100));
  EXPECT_TRUE(peak.halved(50, 100));
  EXPECT_FALSE(peak.halved(50, 101)) << "the most was too little";
  peak.fall(50);
  EXPECT_FALSE(peak.halved(26, 20));
  EXPECT_TRUE(peak.halved(25, 20));
}

TEST(Peak, RisesOnceAfterAFall) {
  Peak peak;
  peak.rose(100, 10);
  peak.fall(40);
  EXPECT_FALSE(peak.rose(80, 10));
  EXPECT_TRUE(peak.rose(81, 10));
  EXPECT_FALSE(peak.rose(200, 10)) << "said already";
  EXPECT_TRUE(peak.halved(100, 10));
  peak.fall(4);
  EXPECT_FALSE(peak.rose(14, 10)) << "twice, but little";
  EXPECT_TRUE(peak.rose(15, 10));
}

}  // namespace
}  // namespace masu
