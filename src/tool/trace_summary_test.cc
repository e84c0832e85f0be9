#include "tool/trace_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace masu::tool {
namespace {

using trace::Kind;

TEST(TraceSummary, CountsWhatATraceAsksFor) {
  trace::Builder builder(100);
  builder.append(0, Kind::kFree, 77);  // from before
  builder.append(0, Kind::kMalloc, 1, 100);
  builder.append(1, Kind::kCalloc, 2, 1);
  builder.append(1, Kind::kAligned, 3, 16, 6);
  builder.append(0, Kind::kRealloc, 1);
  builder.append(0, Kind::kResized, 1, 17);
  builder.append(0, Kind::kUsable, 2);
  builder.append(0, Kind::kFree, 2);  // elsewhere
  builder.append(1, Kind::kFree, 3);
  builder.append(1, Kind::kMalloc, 4, SIZE_MAX);  // nobody gives it
  builder.append(1, Kind::kFree, 4);
  const TraceSummary s = summarize(builder.finish());
  EXPECT_EQ(s.operations, 9u);
  EXPECT_EQ(s.threads, 2u);
  EXPECT_EQ(s.times[static_cast<size_t>(Kind::kFree)], 3u);
  EXPECT_EQ(s.requested, 134u);
  EXPECT_EQ(s.peak_blocks, 3u);
  EXPECT_EQ(s.peak_bytes, 117u);
  EXPECT_EQ(s.left_blocks, 1u);
  EXPECT_EQ(s.left_bytes, 17u);
  EXPECT_EQ(s.freed_elsewhere, 1u);
  EXPECT_EQ(s.unknown, 1u);
  EXPECT_EQ(s.sizes[0], 1u);
  EXPECT_EQ(s.sizes[4], 1u);
  EXPECT_EQ(s.sizes[5], 1u);
  EXPECT_EQ(s.sizes[7], 1u);
  const std::string text = as_text(s);
  EXPECT_THAT(text, testing::ContainsRegex("peak live bytes +117\n"));
  EXPECT_THAT(text, testing::ContainsRegex("size <= 128 +1 +25\\.0 %\n"));
  EXPECT_THAT(text, testing::ContainsRegex("unknown +1 "));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("lost")));
}

}  // namespace
}  // namespace masu::tool
