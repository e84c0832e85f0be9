#include "tool/option_words.h"

#include <gtest/gtest.h>

namespace masu::tool {
namespace {

constexpr OptionRow row(OptionType type, int64_t preset, int64_t min, int64_t max, const char* words = "") {
  return {"name", type, preset, min, max, OptionLane::kBoth, words, "help"};
}

TEST(OptionWords, Bytes) {
  const OptionRow r = row(OptionType::kBytes, 64 << 20, 0, int64_t{1} << 40);
  EXPECT_EQ(default_of(r), "64M");
  EXPECT_EQ(allowed_values(r), "0 to 1024G");
  EXPECT_EQ(default_of(row(OptionType::kBytes, 1000, 0, 1)), "1000");
}

TEST(OptionWords, Words) {
  const OptionRow r = row(OptionType::kWord, 1, 0, 1, "abort|count");
  EXPECT_EQ(default_of(r), "count");
  EXPECT_EQ(allowed_values(r), "abort|count");
}

TEST(OptionWords, NumbersBoolsAndText) {
  EXPECT_EQ(allowed_values(row(OptionType::kNumber, 5, 1, 9)), "1 to 9");
  EXPECT_EQ(allowed_values(row(OptionType::kNumber, 5, 1, INT64_MAX)), "from 1");
  EXPECT_EQ(allowed_values(row(OptionType::kBool, 0, 0, 1)), "0|1");
  EXPECT_EQ(default_of(row(OptionType::kText, 0, 0, 0)), "none");
}

// The spellings shown are the spellings parsed.
TEST(OptionWords, EveryDefaultIsAccepted) {
  for (const OptionRow& r : kOptionTable) {
    if (r.type == OptionType::kText) continue;
    const std::string spec = std::string(r.name) + "=" + default_of(r);
    Options options;
    Text complaint;
    options.parse(spec.c_str(), complaint);
    EXPECT_EQ(complaint.size(), 0u) << spec << ": " << std::string(complaint.data(), complaint.size());
    EXPECT_EQ(options.get(static_cast<Option>(&r - kOptionTable)), r.preset) << spec;
  }
}

}  // namespace
}  // namespace masu::tool
