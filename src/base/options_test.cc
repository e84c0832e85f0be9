#include "base/options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>

namespace masu {
namespace {

struct Parsed {
  Options options;
  std::string complaint;
};

Parsed parse(const char* spec) {
  Parsed p;
  Text text;
  p.options.parse(spec, text);
  p.complaint.assign(text.data(), text.size());
  return p;
}

TEST(Options, TableIsSound) {
  std::set<std::string> names;
  for (const OptionRow& row : kOptionTable) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(std::string(row.name).find_first_of(":= "), std::string::npos);
    EXPECT_NE(row.help[0], 0);
    EXPECT_GE(row.min, 0);
    EXPECT_LE(row.min, row.preset);
    EXPECT_LE(row.preset, row.max);
    if (row.type != OptionType::kWord) continue;
    EXPECT_EQ(std::count(row.words, row.words + strlen(row.words), '|'), row.max);
  }
}

TEST(Options, PresetsHoldWhereNothingIsSaid) {
  for (const char* spec : {"", ":", ":::"}) {
    const Parsed p = parse(spec);
    EXPECT_EQ(p.complaint, "") << spec;
    for (size_t i = 0; i < static_cast<size_t>(Option::kCount); ++i) {
      EXPECT_EQ(p.options.get(static_cast<Option>(i)), kOptionTable[i].preset);
      EXPECT_EQ(p.options.text(static_cast<Option>(i)), nullptr);
    }
  }
}

TEST(Options, Values) {
  const Parsed p = parse("verbose=1:misuse=count:arena_limit=3G:decay_ms=0:large_cache=512k:guard=all:report=/tmp/x y:sweep=7");
  EXPECT_EQ(p.complaint, "");
  EXPECT_TRUE(p.options.on(Option::kVerbose));
  EXPECT_FALSE(p.options.on(Option::kStats));
  EXPECT_EQ(p.options.get(Option::kMisuse), 1);
  EXPECT_EQ(p.options.get(Option::kArenaLimit), int64_t{3} << 30);
  EXPECT_EQ(p.options.get(Option::kDecayMs), 0);
  EXPECT_EQ(p.options.get(Option::kLargeCache), 512 << 10);
  EXPECT_EQ(p.options.get(Option::kGuard), 2);
  EXPECT_EQ(p.options.get(Option::kSweep), 7);
  EXPECT_EQ(std::string(p.options.text(Option::kReport)), "/tmp/x y:sweep=7");  // ends at the first ':'
}

TEST(Options, Units) {
  const std::pair<const char*, int64_t> cases[] = {{"0", 0}, {"17", 17}, {"2k", 2048}, {"2K", 2048}, {"3m", 3 << 20},
                                                   {"3M", 3 << 20}, {"1g", 1 << 30}, {"1024G", int64_t{1} << 40}};
  for (const auto& [text, value] : cases) {
    const Parsed p = parse(("large_cache=" + std::string(text)).c_str());
    EXPECT_EQ(p.complaint, "");
    EXPECT_EQ(p.options.get(Option::kLargeCache), value) << text;
  }
}

TEST(Options, BadValuesAreNamedAndIgnored) {
  const char* bad[] = {"decay_ms=",     "decay_ms",         "decay_ms=x",   "decay_ms=-1",      "decay_ms=1k",
                       "decay_ms=3600001", "decay_ms=1 ",   "large_cache=1025G", "large_cache=k", "large_cache=1kk",
                       "large_cache=1t",   "large_cache=99999999999999999999", "large_cache=18446744073709551615G",
                       "verbose=2",     "verbose=yes",      "misuse=abor",  "misuse=abortt",    "misuse=abort|count",
                       "misuse=",       "guard=0",          "report=",      "stacks=65"};
  for (const char* spec : bad) {
    const Parsed p = parse(spec);
    const std::string name = std::string(spec).substr(0, std::string(spec).find('='));
    EXPECT_NE(p.complaint.find(name + "='"), std::string::npos) << spec << ": " << p.complaint;
    EXPECT_NE(p.complaint.find("allowed: "), std::string::npos) << spec;
    for (size_t i = 0; i < static_cast<size_t>(Option::kCount); ++i) {
      EXPECT_EQ(p.options.get(static_cast<Option>(i)), kOptionTable[i].preset) << spec;
    }
  }
}

TEST(Options, WhatIsAllowedIsSaid) {
  auto allowed = [](const char* spec) { return parse(spec).complaint; };
  EXPECT_NE(allowed("decay_ms=x").find("allowed: 0..3600000"), std::string::npos);
  EXPECT_NE(allowed("large_cache=x").find(" bytes, k, M or G"), std::string::npos);
  EXPECT_NE(allowed("misuse=x").find("allowed: abort"), std::string::npos);
  EXPECT_NE(allowed("report=").find("allowed: text"), std::string::npos);
}

TEST(Options, UnknownKeysAreNamedAndTheRestIsRead) {
  const Parsed p = parse("nonsense=1:decay_ms=9:=4:Verbose=1:decay_m=1:decay_mss=1");
  EXPECT_EQ(p.options.get(Option::kDecayMs), 9);
  EXPECT_FALSE(p.options.on(Option::kVerbose));
  for (const char* name : {"'nonsense'", "''", "'Verbose'", "'decay_m'", "'decay_mss'"}) {
    EXPECT_NE(p.complaint.find(name), std::string::npos) << name << ": " << p.complaint;
  }
  EXPECT_EQ(p.complaint.find("masu: MASU_OPTIONS: "), 0u);
  EXPECT_EQ(p.complaint.find("masu: MASU_OPTIONS: ", 1), std::string::npos) << "one line for all";
}

TEST(Options, LongNonsenseIsCutNotOverrun) {
  const Parsed p = parse(std::string(5000, 'x').c_str());
  EXPECT_EQ(p.complaint.size(), 512u);
}

TEST(Options, LaterWins) { EXPECT_EQ(parse("decay_ms=1:decay_ms=2:decay_ms=x").options.get(Option::kDecayMs), 2); }

}  // namespace
}  // namespace masu
