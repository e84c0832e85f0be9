// Runs inputs again and says what happened: `replay INPUT...` one line each; with --trace the operations and every
// step of the schedule. Where a rule is broken: the least that breaks it, with the steps where threads change over.
// Exit code 1 where an input breaks a rule, 2 where two runs of it differ.
#include <CLI/CLI.hpp>

#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/shrink.h"

namespace masu::fuzz {
namespace {

constexpr uint32_t kKept = 1u << 16;

const char* file_of(Site site) {
  const char* slash = std::strrchr(site.file, '/');
  return slash != nullptr ? slash + 1 : site.file;
}

void print_step(const Step& s, uint32_t number) {
  std::printf("%5u T%u op %u.%u %-9s %p = %#" PRIx64 "  %s:%u\n", number, s.thread, s.operation, s.yield, access_name(s.access),
              const_cast<const void*>(s.address), s.value, file_of(s.site), s.site.line);
}

// A line per step, or (`turns`) only for those on either side of a change of threads and the last ones; where one thread
// follows another, a line that says so.
void print_steps(const std::vector<Step>& ring, uint32_t recorded, bool turns = false) {
  constexpr uint32_t kLast = 8;
  const uint32_t first = recorded - std::min<uint32_t>(recorded, kKept);
  auto thread = [&](uint32_t i) { return i < first || i >= recorded ? kHost : unsigned{ring[i % kKept].thread}; };
  for (uint32_t i = first; i < recorded; ++i) {
    const Step& s = ring[i % kKept];
    if (i == first || thread(i - 1) != s.thread) std::printf("--- T%u%s\n", s.thread, s.preempted ? " (preemption)" : "");
    if (!turns || i == first || thread(i - 1) != s.thread || thread(i + 1) != s.thread || recorded - i <= kLast) print_step(s, i);
  }
}

// The smallest input that breaks the same rule, and where its threads take turns.
void print_least(const NamedLane& lane, const ByteString& bytes, std::vector<Step>& ring) {
  const ByteString small = shrink(lane, bytes, signature(lane, bytes));
  const Input input = decode(small.data(), small.size());
  Scheduler::get().record(ring.data(), kKept);
  const auto result = lane.run(input);
  std::printf("the least that breaks it: %s\n%s", result.reason, describe(input).c_str());
  print_steps(ring, Scheduler::get().recorded(), true);
}

struct Options {
  std::vector<std::string> inputs;
  std::string lane = "sched_model";
  bool trace = false, quiet = false;
};

int replay(const std::string& path, const Options& options, const NamedLane& lane, std::vector<Step>& ring) {
  std::ifstream file(path, std::ios::binary);
  const ByteString bytes((std::istreambuf_iterator<char>(file)), {});
  const Input input = decode(bytes.data(), bytes.size());
  if (options.trace) std::printf("%s", describe(input).c_str());
  const auto first = lane.run(input);
  const uint32_t recorded = Scheduler::get().recorded();
  if (options.trace) print_steps(ring, recorded);
  const auto second = lane.run(input);
  const bool same = first.hash == second.hash && first.verdict == second.verdict && first.steps == second.steps;
  if (!options.quiet || !same || first.verdict != Scheduler::Verdict::kDone) {
    std::printf("%s: %s, %u steps, run %#" PRIx64 "%s %s\n", path.c_str(), verdict_name(first.verdict), first.steps,
                first.hash, same ? "" : ", AND ANOTHER THE SECOND TIME", first.reason);
  }
  if (same && first.verdict != Scheduler::Verdict::kDone && !options.quiet && !options.trace) print_least(lane, bytes, ring);
  return !same ? 2 : first.verdict != Scheduler::Verdict::kDone ? 1 : 0;
}

int run(int argc, char** argv) {
  CLI::App app{"Runs fuzz inputs again, each twice, and says what happened."};
  Options options;
  std::vector<std::string> names;
  for (const NamedLane& lane : kLanes) names.emplace_back(lane.name);
  app.add_option("inputs", options.inputs, "input files, or folders of them")->required()->check(CLI::ExistingPath);
  app.add_option("--lane", options.lane, "how to run them")->check(CLI::IsMember(names))->capture_default_str();
  app.add_flag("--trace", options.trace, "print operations and schedule");
  app.add_flag("--quiet", options.quiet, "print failures only");
  CLI11_PARSE(app, argc, argv);
  std::vector<Step> ring(kKept);
  if (options.trace) Scheduler::get().record(ring.data(), kKept);
  int worst = 0;
  size_t count = 0;
  for (const std::string& path : options.inputs) {
    std::vector<std::string> files{path};
    if (std::filesystem::is_directory(path)) {
      files.clear();
      for (const auto& entry : std::filesystem::directory_iterator(path)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
      std::sort(files.begin(), files.end());
    }
    for (const std::string& file : files) worst = std::max(worst, replay(file, options, *lane_named(options.lane), ring));
    count += files.size();
  }
  std::printf("%zu inputs on %s: %s\n", count, options.lane.c_str(),
              worst == 0 ? "no rule broken, equal runs" : worst == 1 ? "A RULE IS BROKEN" : "RUNS DIFFER");
  return worst;
}

}  // namespace
}  // namespace masu::fuzz

int main(int argc, char** argv) { return masu::fuzz::run(argc, argv); }
