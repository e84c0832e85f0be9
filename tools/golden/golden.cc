// Golden instruction counts: runs itself as a probe under a preloaded allocator, single-steps the probe's
// warm malloc/free pairs with ptrace and compares the counts with a checked-in file. Counts are exact and of
// every instruction outside the probe's own code: the call as a program pays for it, without its PLT. x86-64
// only.
#include <dlfcn.h>
#include <malloc.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kSizes[] = {16, 64, 512, 4096, 32768};
constexpr int kWarmPairs = 2000;
constexpr int kMeasured = 15;  // the median of these is the local hit; a refill among them does not count

[[gnu::always_inline]] inline void marker() { asm volatile("int3" ::: "memory"); }
[[gnu::always_inline]] inline void* opaque(void* p) {
  asm volatile("" : "+r"(p)::"memory");
  return p;
}

// The probe: for each size, kMeasured times a marked malloc and a marked free; then marked usable sizes.
int probe(const char* library) {
  Dl_info owner{};
  if (dladdr(dlsym(RTLD_DEFAULT, "malloc"), &owner) == 0 ||
      !std::filesystem::equivalent(owner.dli_fname, library)) {
    std::fprintf(stderr, "golden: malloc comes from %s, not from %s\n", owner.dli_fname, library);
    return 3;
  }
  for (const size_t size : kSizes) {
    for (int i = 0; i < kWarmPairs; ++i) free(opaque(malloc(size)));
    for (int i = 0; i < kMeasured; ++i) {
      marker();
      void* p = opaque(malloc(size));
      marker();
      marker();
      free(p);
      marker();
    }
  }
  void* p = opaque(malloc(64));
  for (int i = 0; i < kMeasured; ++i) {
    marker();
    size_t n = malloc_usable_size(p);
    asm volatile("" : "+r"(n));
    marker();
  }
  free(p);
  return 0;
}

// The executable mappings whose path is `path`.
struct Range {
  unsigned long begin, end;
};
std::vector<Range> text_of(pid_t pid, const std::string& path) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  std::vector<Range> found;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::string range, rights, skip, file;
    words >> range >> rights >> skip >> skip >> skip >> file;
    if (file != path || rights.find('x') == std::string::npos) continue;
    const size_t dash = range.find('-');
    found.push_back(
        {std::stoul(range.substr(0, dash), nullptr, 16), std::stoul(range.substr(dash + 1), nullptr, 16)});
  }
  return found;
}

void wait_stopped(pid_t pid, int& status) {
  if (waitpid(pid, &status, 0) != pid) throw std::runtime_error("lost the probe");
}

// Continues to the next marker; false when the probe has ended.
bool run_to_marker(pid_t pid) {
  ptrace(PTRACE_CONT, pid, nullptr, nullptr);
  int status = 0;
  wait_stopped(pid, status);
  if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP) return true;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return false;
  if (WIFSTOPPED(status)) kill(pid, SIGKILL);
  throw std::runtime_error("the probe did not end well under this library");
}

// Single-steps from one marker to the next; the instructions outside the probe's own text.
long step_to_marker(pid_t pid, const std::vector<Range>& own) {
  for (long count = 0;;) {
    user_regs_struct regs{};
    ptrace(PTRACE_GETREGS, pid, nullptr, &regs);
    const bool inside = std::any_of(own.begin(), own.end(),
                                    [&](const Range& r) { return regs.rip >= r.begin && regs.rip < r.end; });
    if (!inside) ++count;
    ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr);
    int status = 0;
    wait_stopped(pid, status);
    siginfo_t info{};
    ptrace(PTRACE_GETSIGINFO, pid, nullptr, &info);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
      throw std::runtime_error("the probe stopped early");
    if (info.si_code == SI_KERNEL) return count;  // the marker's int3, not a step
  }
}

std::vector<long> measure(const std::string& self, const std::string& library) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(4);
    setenv("LD_PRELOAD", library.c_str(), 1);
    setenv("LD_BIND_NOW", "1", 1);
    unsetenv("MASU_OPTIONS");
    execl(self.c_str(), self.c_str(), "--probe", library.c_str(), nullptr);
    _exit(5);
  }
  int status = 0;
  wait_stopped(pid, status);  // at exec
  if (!WIFSTOPPED(status)) throw std::runtime_error("ptrace is not permitted here");
  std::vector<long> counts;
  std::vector<Range> own;
  while (run_to_marker(pid)) {
    if (own.empty()) own = text_of(pid, self);
    counts.push_back(step_to_marker(pid, own));
  }
  return counts;
}

Json summary(std::vector<long> counts) {
  if (counts.size() != (2 * std::size(kSizes) + 1) * kMeasured)
    throw std::runtime_error("markers are missing");
  auto median = [&counts](size_t first, size_t stride) {
    std::vector<long> sample;
    for (int i = 0; i < kMeasured; ++i) sample.push_back(counts[first + static_cast<size_t>(i) * stride]);
    std::nth_element(sample.begin(), sample.begin() + kMeasured / 2, sample.end());
    if (sample[kMeasured / 2] <= 0) throw std::runtime_error("counted no instruction");
    return sample[kMeasured / 2];
  };
  Json result;
  size_t first = 0;
  for (const size_t size : kSizes) {
    const long get = median(first, 2), put = median(first + 1, 2);
    result["malloc+free(" + std::to_string(size) + ")"] = get + put;
    std::cout << "malloc(" << size << ") " << get << ", free " << put << ", pair " << get + put << "\n";
    first += 2 * kMeasured;
  }
  result["malloc_usable_size"] = median(first, 1);
  std::cout << "malloc_usable_size " << result["malloc_usable_size"] << "\n";
  return result;
}

// Says each difference; the number of counts that grew or that the file does not have.
int compare(const Json& now, const Json& golden, const std::string& path) {
  int worse = 0;
  for (const auto& [name, count] : now.items()) {
    const long before = golden.value(name, 0L);
    if (count > before) ++worse;
    if (count != before) std::cout << name << ": " << count << ", golden " << before << "\n";
  }
  if (worse != 0) {
    std::cout << worse << " counts grew against " << path
              << "; if that is the price of something, --update it\n";
  } else if (now != golden) {
    std::cout << "counts fell: pin them with --update\n";
  }
  return worse;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 3 && std::string(argv[1]) == "--probe") return probe(argv[2]);
  CLI::App app{"Golden instruction counts of an allocator's fast path"};
  std::string library, path;
  bool update = false;
  app.add_option("library", library, "shared library to preload")->required()->check(CLI::ExistingFile);
  app.add_option("--golden", path, "file of counts to compare with");
  app.add_flag("--update", update, "write the counts to that file instead")->needs("--golden");
  CLI11_PARSE(app, argc, argv);
  library = std::filesystem::canonical(library);
  const Json now = summary(measure(std::filesystem::canonical("/proc/self/exe"), library));
  if (path.empty()) return 0;
  if (update) {
    if (!(std::ofstream(path) << now.dump(2) << "\n")) throw std::runtime_error("cannot write " + path);
    return 0;
  }
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no golden file " + path + " for this compiler; --update writes it");
  return compare(now, Json::parse(file), path) == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << "golden: " << error.what() << "\n";
  return 2;
}
