// The program that puts names into a report, played by shell scripts.
#include "debug/run_symbolizer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace masu::debug {
namespace {

namespace fs = std::filesystem;

class RunSymbolizerTest : public testing::Test {
 protected:
  RunSymbolizerTest() { fs::create_directory(folder_); }
  ~RunSymbolizerTest() override { fs::remove_all(folder_); }

  // Runs these lines on the report; what was written, and whether that was all of it.
  bool run(const std::string& lines, const std::string& report = "report\n") {
    const std::string program = folder_ / "program";
    std::ofstream(program) << "#!/bin/sh\n" << lines << '\n';
    chmod(program.c_str(), 0755);
    FILE* to = fopen((folder_ / "output").c_str(), "w+");
    errno = EINTR;  // left by a call of the program's
    const bool good = run_symbolizer(program.c_str(), report.data(), report.size(), fileno(to));
    EXPECT_EQ(errno, EINTR);
    fclose(to);
    output_ = read(folder_ / "output");
    return good;
  }
  static std::string read(const fs::path& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  fs::path folder_ = fs::temp_directory_path() / ("masu-symbolizer-" + std::to_string(getpid()));
  std::string output_;
};

TEST_F(RunSymbolizerTest, WhatItWritesTakesThePlaceOfTheReport) {
  EXPECT_TRUE(run("sed s/report/names/"));
  EXPECT_EQ(output_, "names\n");
  std::string large;
  for (int i = 0; i < 20000; ++i) large += std::to_string(i) + '\n';
  EXPECT_TRUE(run("cat", large));
  EXPECT_EQ(output_, large);
}

TEST_F(RunSymbolizerTest, WhereItWritesNothingTheReportIsNotTaken) {
  EXPECT_FALSE(run("exit 0"));
  errno = EINTR;
  EXPECT_FALSE(run_symbolizer("/no/such/program", "report", 6, 1));
  EXPECT_EQ(errno, EINTR);
}

TEST_F(RunSymbolizerTest, ItHasTheEnvironmentButForPreloads) {
  setenv("LD_PRELOAD", "", 1);
  setenv("LD_PRELOADED", "kept", 1);
  EXPECT_TRUE(run("env"));
  unsetenv("LD_PRELOAD");
  unsetenv("LD_PRELOADED");
  EXPECT_EQ(("\n" + output_).find("\nLD_PRELOAD="), std::string::npos) << output_;
  EXPECT_NE(("\n" + output_).find("\nLD_PRELOADED=kept\n"), std::string::npos) << output_;
  EXPECT_NE(output_.find("PATH="), std::string::npos);
}

TEST_F(RunSymbolizerTest, ItMayEndInPeace) {
  EXPECT_TRUE(run("cat; exec >&-; sleep 0.2; echo done > " + (folder_ / "after").string()));
  EXPECT_EQ(read(folder_ / "after"), "done\n");
}

TEST_F(RunSymbolizerTest, NoFileStaysOpen) {
  auto open_files = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); };
  const auto before = open_files();
  run("cat");
  run("exit 1");
  EXPECT_EQ(open_files(), before);
}

}  // namespace
}  // namespace masu::debug
