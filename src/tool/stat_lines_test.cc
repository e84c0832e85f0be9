#include "tool/stat_lines.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace masu::tool {
namespace {

TEST(StatLines, TakesOnlyStatistics) {
  StatLines lines;
  EXPECT_TRUE(lines.take("masu: refills=12"));
  for (const char* other : {"refills=12", "masu: version 0.1.0 release", "masu: refills=",
                            "masu: refills=12 x", "masu: =12", "masu: MASU_OPTIONS: decay_ms='x' ignored",
                            "masu: refills=-1", "", "masu: refills=99999999999999999999999"}) {
    EXPECT_FALSE(lines.take(other)) << other;
  }
  ASSERT_EQ(lines.sums().size(), 1u);
  EXPECT_EQ(lines.sums()[0].second, 12u);
}

TEST(StatLines, SumsProcessesEvenInterleaved) {
  StatLines lines;
  for (const char* line : {"masu: a=1", "masu: a=2", "masu: b=0", "masu: b=5"}) EXPECT_TRUE(lines.take(line));
  EXPECT_EQ(lines.processes(), 2u);
  EXPECT_EQ(as_table(lines).substr(0, 32), "masu statistics of 2 processes\n ");
  const auto json = nlohmann::json::parse(as_json(lines));
  EXPECT_EQ(json, (nlohmann::json{{"processes", 2}, {"a", 3}, {"b", 5}}));
}

TEST(StatLines, TheTableLeavesOutWhatStayedZero) {
  StatLines lines;
  lines.take("masu: a=1");
  lines.take("masu: quiet=0");
  EXPECT_EQ(as_table(lines).find("quiet"), std::string::npos);
  EXPECT_NE(as_json(lines).find("quiet"), std::string::npos);
}

}  // namespace
}  // namespace masu::tool
