// Threads that have something to report do so one after the other. The first is held where it writes its JSON, in the opening
// of a pipe that nobody reads.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "debug/report.h"
#include "debug/one_test_heap.h"

namespace masu::debug {
namespace {

void configure(const char* spec) {
  Text complaint;
  Options options;
  options.parse(spec, complaint);
  configure_reports(options);
}

Finding bad_free(const char* call) {
  Finding f;
  f.kind = Kind::kBadFree;
  f.address = 16;
  f.call = call;
  return f;
}

// What goes to stderr as long as it lives.
class Errors {
 public:
  Errors() { dup2(file_, STDERR_FILENO); }
  ~Errors() {
    dup2(was_, STDERR_FILENO);
    for (int file : {was_, file_}) close(file);
  }
  Errors(const Errors&) = delete;
  Errors& operator=(const Errors&) = delete;

  unsigned reports() const {
    std::string text(1 << 16, '\0');
    text.resize(static_cast<size_t>(pread(file_, text.data(), text.size(), 0)));
    unsigned n = 0;
    for (size_t at = 0; (at = text.find("==ERROR", at)) != std::string::npos; ++at) ++n;
    return n;
  }

 private:
  int was_ = dup(STDERR_FILENO), file_ = memfd_create("errors", 0);
};

// How often the thread has waited for something.
unsigned long waits(pid_t thread) {
  std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
  const std::string key = "voluntary_ctxt_switches:";
  for (std::string word; status >> word;) {
    if (word == key) {
      unsigned long n = 0;
      status >> n;
      return n;
    }
  }
  return 0;
}

// The first thread of the heap is this one.
class ReportTurnsTest : public testing::Test {
 protected:
  ReportTurnsTest() { debug_heap(); }
};
using ReportTurnsDeathTest = ReportTurnsTest;

TEST_F(ReportTurnsTest, WhoComesSecondWaits) {
  const std::string pipe = testing::TempDir() + "report_turns_" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::string spec = "halt=0:symbolize=0:report=" + pipe;
  configure(spec.c_str());
  const Finding f = bad_free("free");
  // One of the two has no state and so counts as the heap's first thread.
  for (const bool first_has_state : {false, true}) {
    Errors errors;
    auto report_as = [&](bool has_state) {
      if (has_state) debug_heap().threads().self();
      report(f);
    };
    std::thread first([&] { report_as(first_has_state); });
    while (errors.reports() == 0) std::this_thread::yield();
    std::atomic<pid_t> id{0};
    std::thread second([&] {
      id = gettid();
      report_as(!first_has_state);
    });
    while (id == 0) std::this_thread::yield();
    for (const unsigned long before = waits(id); errors.reports() == 1 && waits(id) < before + 3;) std::this_thread::yield();
    EXPECT_EQ(errors.reports(), 1u);
    const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
    first.join();
    second.join();
    EXPECT_EQ(errors.reports(), 2u);
    close(reader);
  }
  unlink(pipe.c_str());
}

// A report that itself goes wrong.
void report_while_reporting() {
  configure("halt=0:symbolize=0");
  signal(SIGSEGV, [](int) {
    report(bad_free("free"));
    _exit(0);
  });
  report(bad_free(reinterpret_cast<const char*>(16)));
}

TEST_F(ReportTurnsDeathTest, AReportDuringAReportEndsTheProcess) {
  EXPECT_EXIT(report_while_reporting(), testing::KilledBySignal(SIGABRT), "");
  EXPECT_EXIT(std::thread([] {
                debug_heap().threads().self();
                report_while_reporting();
              }).join(),
              testing::KilledBySignal(SIGABRT), "");
}

}  // namespace
}  // namespace masu::debug
