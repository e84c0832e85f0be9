// End to end, on this program: walk, write, symbolize, compare with what the compiler says about the lines.
#include "debug/symbolize/source_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>

#include "debug/module.h"
#include "debug/report_writer.h"
#include "debug/run_symbolizer.h"
#include "debug/symbolize/report_text.h"
#include "debug/unwind/unwinder.h"

namespace masu::debug {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

Unwinder g_unwinder;
StackBounds g_bounds;
uintptr_t g_sites[16];
size_t g_count;
int g_line[4];

[[gnu::noinline]] void walk() {
  g_count = g_unwinder.walk(caller_frame(), g_bounds, g_sites, std::size(g_sites));
}

template <class T>
[[gnu::always_inline]] inline void innermost(T value) {
  g_line[0] = __LINE__ + 1;
  walk();
  asm volatile("" : : "r"(value) : "memory");
}

struct Holder {
  [[gnu::always_inline]] inline void middle(int value) {
    g_line[1] = __LINE__ + 1;
    innermost(value);
    asm volatile("" : : : "memory");
  }
};

[[gnu::noinline]] void outermost(Holder holder) {
  g_line[2] = __LINE__ + 1;
  holder.middle(5);
  asm volatile("" : : : "memory");
}

std::string build_id_of(const Module& module) {
  std::ostringstream text;
  for (size_t i = 0; i < module.build_id_bytes; ++i) {
    text << "0123456789abcdef"[module.build_id[i] >> 4] << "0123456789abcdef"[module.build_id[i] & 15];
  }
  return text.str();
}

std::string own_path() {
  char path[4096];
  return program_path(path, sizeof(path));
}

// The report of a walk through the inlined functions.
std::string report() {
  outermost(Holder());
  g_line[3] = __LINE__ - 1;
  char buffer[1 << 14];
  ReportWriter writer(buffer, sizeof(buffer), ReportWriter::kNoFile);
  writer.stack(g_sites, g_count);
  return {writer.data(), writer.size()};
}

TEST(SourceLines, ShowsInlinedFunctionsWithTheirLines) {
  report();
  Module module;
  ASSERT_TRUE(find_module(g_sites[0], module));
  ASSERT_GT(module.build_id_bytes, 0u);
  SourceLines lines;
  const auto frames = lines.at(own_path(), g_sites[0] - module.bias, build_id_of(module));
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_THAT(frames[0].function, HasSubstr("masu::debug::(anonymous namespace)::innermost<int>"));
  EXPECT_THAT(frames[1].function, HasSubstr("masu::debug::(anonymous namespace)::Holder::middle"));
  EXPECT_THAT(frames[2].function, HasSubstr("masu::debug::(anonymous namespace)::outermost"));
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(frames[i].line, g_line[i]) << i;
    EXPECT_THAT(frames[i].file, ContainsRegex("^/.*/source_lines_test.cc$")) << i;
    EXPECT_GT(frames[i].column, 0) << i;
  }
  const auto caller = lines.at(own_path(), g_sites[1] - module.bias, build_id_of(module));
  ASSERT_FALSE(caller.empty());
  EXPECT_EQ(caller[0].line, g_line[3]);
}

TEST(SourceLines, KnowsNothingOfAnotherBuildOrNoFile) {
  report();
  Module module;
  ASSERT_TRUE(find_module(g_sites[0], module));
  SourceLines lines;
  EXPECT_TRUE(lines.at(own_path(), g_sites[0] - module.bias, "00112233").empty());
  EXPECT_FALSE(lines.at(own_path(), g_sites[0] - module.bias, "").empty());
  EXPECT_TRUE(lines.at("/no/such/file", 0x1000, "").empty());
  EXPECT_TRUE(lines.at("/proc/self/status", 0x1000, "").empty());
  EXPECT_TRUE(lines.at(own_path(), 0xffffffffffff, "").empty());
}

TEST(SourceLines, NamesFunctionsOfStrippedLibraries) {
  Module module;
  const auto site = reinterpret_cast<uintptr_t>(&std::strtoul) + 1;
  ASSERT_TRUE(find_module(site, module));
  SourceLines lines;
  const auto frames = lines.at(module.path, site - module.bias, build_id_of(module));
  ASSERT_FALSE(frames.empty());
  EXPECT_THAT(frames.back().function, HasSubstr("strtou"));
}

// What the symbolizer's process writes into a file.
std::string run(const char* program, const std::string& text, bool& done) {
  const int file = memfd_create("output", 0);
  done = run_symbolizer(program, text.data(), text.size(), file);
  std::string written(static_cast<size_t>(lseek(file, 0, SEEK_END)), '\0');
  EXPECT_EQ(pread(file, written.data(), written.size(), 0), static_cast<ssize_t>(written.size()));
  close(file);
  return written;
}

TEST(RunSymbolizer, CompletesAReportInAProcessOfItsOwn) {
  bool done = false;
  const std::string text = run(SYMBOLIZER, report(), done);
  EXPECT_TRUE(done);
  const std::string line = std::to_string(g_line[2]);
  EXPECT_THAT(text, ContainsRegex("#0 0x[0-9a-f]+ in .*innermost<int>.* /.*/source_lines_test.cc:"));
  EXPECT_THAT(text, ContainsRegex("#2 0x[0-9a-f]+ in .*outermost.* /.*/source_lines_test.cc:" + line + ":"));
  EXPECT_THAT(text, ContainsRegex("#3 0x[0-9a-f]+ in .*report"));
}

TEST(RunSymbolizer, KeepsPreloadsAwayAndWorksWhereSignalsAndChildrenAreIgnored) {
  setenv("LD_PRELOAD", "/no/such/library.so", 1);
  const auto before = signal(SIGCHLD, SIG_IGN);
  bool done = false;
  EXPECT_THAT(run(SYMBOLIZER, report(), done), HasSubstr("source_lines_test.cc"));
  EXPECT_TRUE(done);
  signal(SIGCHLD, before);
  unsetenv("LD_PRELOAD");
}

TEST(RunSymbolizer, SaysWhenThereIsNone) {
  bool done = true;
  EXPECT_EQ(run("/no/such/program", report(), done), "");
  EXPECT_FALSE(done);
  EXPECT_EQ(run("/bin/false", report(), done), "");
  EXPECT_FALSE(done);
}

}  // namespace
}  // namespace masu::debug
