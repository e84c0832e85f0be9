#include "debug/report_writer.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "debug/module.h"

namespace masu::debug {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// What `write` makes of a writer with room for everything.
template <class Write>
std::string written(Write&& write) {
  char buffer[4096];
  ReportWriter writer(buffer, sizeof(buffer), ReportWriter::kNoFile);
  write(writer);
  return {writer.data(), writer.size()};
}

TEST(ReportWriter, WritesNumbers) {
  EXPECT_EQ(written([](auto& w) { w.decimal(0).put(' ').decimal(UINT64_MAX); }), "0 18446744073709551615");
  EXPECT_EQ(written([](auto& w) {
              w.signed_decimal(-1).put(' ').signed_decimal(INT64_MIN).put(' ').signed_decimal(7);
            }),
            "-1 -9223372036854775808 7");
  EXPECT_EQ(written([](auto& w) {
              w.hex(0).put(' ').hex(0xabc).put(' ').hex(0xabc, 5).put(' ').hex(UINT64_MAX, 2);
            }),
            "0 abc 00abc ffffffffffffffff");
  EXPECT_EQ(written([](auto& w) { w.address(0x602000000010); }), "0x602000000010");
  EXPECT_EQ(written([](auto& w) { w.address(0x10); }), "0x000000000010");
  EXPECT_EQ(written([](auto& w) { w.bytes(1).put(' ').bytes(96); }), "1 byte 96 bytes");
}

TEST(ReportWriter, QuotesForJson) {
  EXPECT_EQ(written([](auto& w) { w.json_string("a\"b\\c\nd\x01"); }), R"("a\"b\\c\u000ad\u0001")");
}

TEST(ReportWriter, CutsWithoutAFileAndFlushesWithOne) {
  char buffer[8];
  ReportWriter cut(buffer, sizeof(buffer), ReportWriter::kNoFile);
  cut.text("0123456789");
  EXPECT_EQ(std::string(cut.data(), cut.size()), "01234567");
  EXPECT_TRUE(cut.truncated());

  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  errno = 1234;
  {
    ReportWriter flushed(buffer, sizeof(buffer), ends[1]);
    flushed.text("0123456789").text("abcdefghij", 3);
    EXPECT_FALSE(flushed.truncated());
  }
  EXPECT_EQ(errno, 1234);
  close(ends[1]);
  char read_back[32] = {};
  EXPECT_EQ(read(ends[0], read_back, sizeof(read_back)), 13);
  EXPECT_STREQ(read_back, "0123456789abc");
  close(ends[0]);
}

TEST(ReportWriter, SaysWhenTheFileDoesNotTakeIt) {
  char buffer[8];
  ReportWriter writer(buffer, sizeof(buffer), 9999);
  writer.text("0123456789");
  EXPECT_TRUE(writer.truncated());
}

TEST(ReportWriter, NamesModuleOffsetAndBuildId) {
  Dl_info info;
  const auto site = reinterpret_cast<uintptr_t>(&fopen) + 1;
  ASSERT_NE(dladdr(reinterpret_cast<void*>(site), &info), 0);
  const std::string line = written([&](auto& w) { w.frame(3, site); });
  char expected[512];
  snprintf(expected, sizeof(expected), "    #3 0x%012zx in ?? (%s+0x%zx) (BuildId: ", site, info.dli_fname,
           site - reinterpret_cast<uintptr_t>(info.dli_fbase));
  EXPECT_THAT(line, HasSubstr(expected));
  EXPECT_THAT(line, MatchesRegex(".* \\(BuildId: [0-9a-f]+\\)\n"));
}

TEST(ReportWriter, NamesTheProgramItself) {
  char path[4096] = {};
  ASSERT_GT(readlink("/proc/self/exe", path, sizeof(path) - 1), 0);
  const auto site = reinterpret_cast<uintptr_t>(&written<void (*)(ReportWriter&)>);
  EXPECT_THAT(written([&](auto& w) { w.frame(0, site); }), HasSubstr(std::string("(") + path + "+0x"));
}

TEST(ReportWriter, LeavesOutWhatIsNoCode) {
  EXPECT_EQ(written([](auto& w) { w.frame(0, 0x1234); }), "    #0 0x000000001234 in ??\n");
}

TEST(ReportWriter, DumpsAndMarks) {
  alignas(16) char bytes[32];
  std::memset(bytes, 'A', 32);
  bytes[17] = '\0';
  bytes[18] = '|';
  const auto at = reinterpret_cast<uintptr_t>(bytes);
  const std::string text = written([&](auto& w) { w.dump(at + 3, at + 20, at + 17, at + 19); });
  EXPECT_THAT(
      text,
      HasSubstr(": 41  41  41  41  41  41  41  41  41  41  41  41  41  41  41  41  |AAAAAAAAAAAAAAAA|\n"));
  EXPECT_THAT(
      text,
      HasSubstr(": 41 [00][7c] 41  41  41  41  41  41  41  41  41  41  41  41  41  |A.|AAAAAAAAAAAAA|\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(ReportWriter, DumpsAcrossPagesThatCannotBeRead) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  mprotect(static_cast<char*>(memory) + page, page, PROT_NONE);
  const uintptr_t edge = reinterpret_cast<uintptr_t>(memory) + page;
  const std::string text = written([&](auto& w) { w.dump(edge - 16, edge + 16, edge, edge + 1); });
  EXPECT_THAT(text, HasSubstr(": 00  00 "));
  EXPECT_THAT(text, HasSubstr(":[??] ?? "));
  munmap(memory, 2 * page);
}

}  // namespace
}  // namespace masu::debug
