// Whole reports, line by line, of findings that are made by hand about a heap's real blocks.
#include "debug/report_text.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "debug/one_test_heap.h"

namespace masu::debug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

std::vector<std::string> lines_of(const Finding& f) {
  static char buffer[1 << 16];
  ReportWriter w(buffer, sizeof(buffer), ReportWriter::kNoFile);
  write_text(w, f);
  EXPECT_FALSE(w.truncated());
  EXPECT_EQ(w.data()[w.size() - 1], '\n');
  std::vector<std::string> lines;
  std::istringstream text(std::string(w.data(), w.size()));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}
std::string json_of(const Finding& f) {
  static char buffer[1 << 16];
  ReportWriter w(buffer, sizeof(buffer), ReportWriter::kNoFile);
  write_json(w, f);
  return {w.data(), w.size()};
}
std::string line_with(const std::vector<std::string>& lines, const std::string& part) {
  for (const std::string& line : lines) {
    if (line.find(part) != std::string::npos) return line;
  }
  return "(none with " + part + ")";
}
std::string hex(uintptr_t address) {
  char text[32];
  snprintf(text, sizeof(text), "0x%012zx", address);
  return text;
}

class ReportTextTest : public testing::Test {
 protected:
  ReportTextTest() {
    for (auto** p : {&before_, &block_, &behind_}) *p = static_cast<char*>(heap().malloc(10));
    user_ = reinterpret_cast<uintptr_t>(block_);
    finding_.call = "free";
    add_frame(reinterpret_cast<uintptr_t>(&lines_of) + 1);  // this library's own: left out
    add_frame(of_libc("qsort"));
    add_frame(of_libc("bsearch"));
  }
  ~ReportTextTest() override {
    for (char* p : {before_, block_, behind_}) {
      if (p != nullptr) heap().free(p);
    }
  }
  static uintptr_t of_libc(const char* name) {
    return reinterpret_cast<uintptr_t>(dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), name)) + 1;
  }
  void add_frame(uintptr_t site) { finding_.frames[finding_.frame_count++] = site; }
  Cell cell() const {
    Cell c;
    EXPECT_TRUE(heap().locate(user_, c));
    return c;
  }
  // Two bytes from `at` on were changed, as a check found later.
  void damage(uintptr_t at) {
    finding_.kind = Kind::kOverflow;
    finding_.access = Access::kWrite;
    finding_.address = finding_.damage = at;
    finding_.bytes = 2;
    finding_.damage_end = at + 2;
    finding_.after_the_fact = true;
    finding_.block = facts_of(cell());
  }
  std::string region() const { return "10-byte region [" + hex(user_) + "," + hex(user_ + 10) + ")"; }

  char *before_, *block_, *behind_;
  uintptr_t user_;
  Finding finding_;
};

TEST_F(ReportTextTest, DamageFoundLater) {
  damage(user_ + 10);
  const std::vector<std::string> lines = lines_of(finding_);
  ASSERT_GT(lines.size(), 20u);
  EXPECT_EQ(lines[0], "==" + std::to_string(getpid()) + "==ERROR: MasuSanitizer: heap-buffer-overflow on address " + hex(user_ + 10) + " in free");
  EXPECT_THAT(lines[1], MatchesRegex("WRITE of size 2 at " + hex(user_ + 10) +
                                     " found later in free, thread T0 \\(.+\\) \\(2 bytes changed; what follows is the check's stack\\)"));
  EXPECT_THAT(lines[2], MatchesRegex("    #0 " + hex(of_libc("qsort")) + " in .*libc\\.so.*"));
  EXPECT_THAT(lines[3], MatchesRegex("    #1 " + hex(of_libc("bsearch")) + " in .*libc\\.so.*"));
  EXPECT_EQ(lines[4], "");
  EXPECT_EQ(lines[5], hex(user_ + 10) + " is located 0 bytes after " + region());
  EXPECT_THAT(lines[6], MatchesRegex("allocated by thread T0 \\(.+\\) \\(serial " + std::to_string(cell().record->serial) + "\\) here:"));
  EXPECT_THAT(lines[7], MatchesRegex("    #0 .*libc\\.so.*")) << "main's caller: the rest is our own";
  const size_t block = static_cast<size_t>(std::find(lines.begin(), lines.end(), "Block: live, cell [" + hex(cell().begin) + "," + hex(cell().end) + ")") - lines.begin());
  ASSERT_LT(block + 12, lines.size());
  EXPECT_THAT(lines[block + 1], MatchesRegex("  block before: 10-byte region \\[.*\\) live, serial [0-9]+"));
  EXPECT_THAT(lines[block + 2], MatchesRegex("  block behind: 10-byte region \\[.*\\) live, serial [0-9]+"));
  EXPECT_EQ(lines[block + 3], "Bytes around it, those at fault in brackets:");
  for (size_t i = 0; i < 7; ++i) EXPECT_THAT(lines[block + 4 + i], HasSubstr("  " + hex(align_down(user_ + 10, 16) - 48 + 16 * i) + ":"));
  EXPECT_THAT(lines[block + 7], MatchesRegex(".*: (..  ){9}..  ?\\[..\\]\\[..\\] ..  ..  ..  ..  \\|.*"));
  EXPECT_THAT(lines[block + 11], "Confidence: certain of the damage and the block; the write itself was not seen");
  EXPECT_THAT(lines[block + 12], "Next: MASU_OPTIONS=guard=all stops at the bad access itself");
  EXPECT_THAT(lines[block + 13], MatchesRegex("SUMMARY: MasuSanitizer: heap-buffer-overflow \\(.*libc\\.so.*\\+0x[0-9a-f]+\\).*"));
  EXPECT_EQ(lines.size(), block + 14);
}

TEST_F(ReportTextTest, AnAccessIsNamedWhereItHappens) {
  damage(user_ - 3);
  finding_.access = Access::kRead;
  finding_.after_the_fact = false;
  finding_.call = "memcpy";
  finding_.guessed = true;
  const std::vector<std::string> lines = lines_of(finding_);
  EXPECT_THAT(lines[1], MatchesRegex("READ of size 2 at " + hex(user_ - 3) + " in memcpy, thread T0 \\(.+\\)"));
  EXPECT_EQ(lines[5], hex(user_ - 3) + " is located 3 bytes before " + region());
  EXPECT_EQ(line_with(lines, "Confidence"), "Confidence: likely: the bytes lie in no block, this one is the nearest");
  EXPECT_EQ(line_with(lines, "Next"), "Next: MASU_OPTIONS=guard=left stops at the bad access itself");
}

TEST_F(ReportTextTest, WhereInAFreedBlock) {
  std::thread([this] { heap().free(block_); }).join();
  block_ = nullptr;
  finding_.kind = Kind::kDoubleFree;
  finding_.address = user_;
  finding_.block = facts_of(cell());
  const std::vector<std::string> lines = lines_of(finding_);
  EXPECT_THAT(lines[1], HasSubstr("    #0 ")) << "no access";
  EXPECT_EQ(line_with(lines, "is located"), hex(user_) + " is located 0 bytes inside of " + region());
  EXPECT_THAT(line_with(lines, "freed by"), MatchesRegex("freed by thread T[1-9][0-9]*( \\(.+\\))? here:"));
  EXPECT_THAT(line_with(lines, "allocated by"), MatchesRegex("previously allocated by thread T0 .*"));
  EXPECT_THAT(line_with(lines, "Block: "), HasSubstr("Block: freed, in quarantine, cell ["));
  EXPECT_EQ(line_with(lines, "Confidence"), "Confidence: certain");
  EXPECT_THAT(line_with(lines, "  " + hex(align_down(user_, 16)) + ":"), MatchesRegex("[^\\[]*\\[..\\][^\\[]*")) << "the one byte that is meant";
  finding_.kind = Kind::kUseAfterFree;
  finding_.address = user_ + 12;
  EXPECT_EQ(line_with(lines_of(finding_), "is located"), hex(user_ + 12) + " is located 2 bytes after " + region());
}

TEST_F(ReportTextTest, ABlockOnPagesOfItsOwnHasNoNeighbours) {
  heap().free(block_);
  block_ = static_cast<char*>(heap().malloc(1 << 20));
  user_ = reinterpret_cast<uintptr_t>(block_);
  damage(user_ - 8);
  const std::vector<std::string> lines = lines_of(finding_);
  EXPECT_THAT(line_with(lines, "Block: "), MatchesRegex("Block: live, cell \\[.*\\), on pages of its own"));
  EXPECT_THAT(lines, Not(testing::Contains(HasSubstr("block before"))));
  const size_t dump = static_cast<size_t>(std::find(lines.begin(), lines.end(), "Bytes around it, those at fault in brackets:") - lines.begin());
  EXPECT_THAT(lines[dump + 1], HasSubstr("  " + hex(align_down(user_ - 8, kPage) - 16) + ": ??")) << "one line of the guard page";
}

TEST_F(ReportTextTest, AnEmptyBlocksEnd) {
  heap().free(block_);
  block_ = static_cast<char*>(heap().malloc(0));
  user_ = reinterpret_cast<uintptr_t>(block_);
  damage(user_);
  EXPECT_EQ(line_with(lines_of(finding_), "is located"), hex(user_) + " is located 0 bytes after 0-byte region [" + hex(user_) + "," + hex(user_) + ")");
  finding_.kind = Kind::kDoubleFree;
  EXPECT_THAT(line_with(lines_of(finding_), "is located"), HasSubstr("0 bytes inside of"));
}

TEST_F(ReportTextTest, WhatWasSaidWrongly) {
  finding_.address = user_;
  finding_.block = facts_of(cell());
  finding_.block.align_log2 = 6;
  finding_.kind = Kind::kTypeMismatch;
  finding_.said_size = 12;
  finding_.said_align = kUnsaid;
  EXPECT_EQ(line_with(lines_of(finding_), "made with"), "  made with size 10, alignment 64; given back as size 12, alignment unsaid");
  finding_.kind = Kind::kSizeMismatch;
  finding_.block.align_log2 = 0;
  finding_.said_size = kUnsaid;
  finding_.said_align = 32;
  EXPECT_EQ(line_with(lines_of(finding_), "made with"), "  made with size 10, alignment 0; given back as size unsaid, alignment 32");
  finding_.kind = Kind::kMismatch;
  finding_.said_family = Family::kNewArray;
  EXPECT_EQ(line_with(lines_of(finding_), "made by"), "  made by malloc, given back by operator delete[]");
}

TEST_F(ReportTextTest, AStrangersAddress) {
  finding_.kind = Kind::kBadFree;
  finding_.address = 0x10;
  finding_.frame_count = 0;
  finding_.detail = "a detail";
  EXPECT_THAT(lines_of(finding_), ElementsAre(HasSubstr("bad-free on address 0x000000000010 in free: a detail"),
                                              "0x000000000010 is no block of this heap: it lies in unmapped memory", "Confidence: certain",
                                              HasSubstr("Next: MASU_OPTIONS=break_at=SERIAL"), "SUMMARY: MasuSanitizer: bad-free found in free"));
}

TEST_F(ReportTextTest, StacksThatWereNotKept) {
  finding_.frame_count = 1;  // our own alone
  finding_.kind = Kind::kBadFree;
  finding_.address = 0x10;
  EXPECT_EQ(lines_of(finding_)[1], "    (no stack was kept: MASU_OPTIONS=stacks=16 keeps them)");
}

TEST_F(ReportTextTest, OurOwnFaultsShowTheHeapsState) {
  finding_.kind = Kind::kInternal;
  const std::vector<std::string> lines = lines_of(finding_);
  EXPECT_THAT(line_with(lines, "owners"), HasSubstr("The heap's owners"));
  EXPECT_THAT(line_with(lines, "  owner 1"), HasSubstr("leased by thread"));
}

TEST_F(ReportTextTest, TheSameAsJson) {
  damage(user_ + 10);
  std::string json = json_of(finding_);
  EXPECT_THAT(json, HasSubstr("{\"pid\": " + std::to_string(getpid()) + ", \"kind\": \"heap-buffer-overflow\", \"address\": \"" + hex(user_ + 10) +
                              "\", \"found_in\": \"free\", \"confidence\": \"certain of the damage and the block; the write itself was not seen\", "
                              "\"thread\": 0, \"access\": \"write\", \"size\": 2, \"stack\": [{\"address\": \"" + hex(of_libc("qsort")) +
                              "\", \"module\": \""));
  EXPECT_THAT(json, HasSubstr("}, {\"address\": \"" + hex(of_libc("bsearch")) + "\", \"module\": \""));
  EXPECT_THAT(json, HasSubstr("\"position\": {\"bytes\": 0, \"side\": \"after\"}, \"block\": {\"address\": \"" + hex(user_) +
                              "\", \"size\": 10, \"state\": \"live\", \"serial\": " + std::to_string(cell().record->serial) + ", \"allocated_by\": 0}"));
  EXPECT_THAT(json, HasSubstr("}], \"position\""));
  EXPECT_THAT(json, HasSubstr(", \"allocated\": [{\"address\": \""));
  EXPECT_THAT(json, Not(HasSubstr("freed")));
  EXPECT_THAT(json, testing::EndsWith("]}\n"));
  std::thread([this] { heap().free(block_); }).join();
  block_ = nullptr;
  finding_.block = facts_of(cell());
  finding_.access = Access::kNone;
  json = json_of(finding_);
  EXPECT_THAT(json, testing::ContainsRegex("\"freed_by\": [1-9]"));
  EXPECT_THAT(json, HasSubstr(", \"freed\": ["));
  EXPECT_THAT(json, Not(HasSubstr("\"access\"")));
}

TEST_F(ReportTextTest, WhoseCode) {
  EXPECT_TRUE(is_own_code(reinterpret_cast<uintptr_t>(&lines_of)));
  EXPECT_FALSE(is_own_code(of_libc("qsort")));
  EXPECT_FALSE(is_own_code(0x10));
}

}  // namespace
}  // namespace masu::debug
