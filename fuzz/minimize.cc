// Shrinks a failing input: drops operations, preemptions, failures and schedule bytes for as long as the same rule
// stays broken. `minimize INPUT OUTPUT [--lane L]`; exit code 1 where INPUT breaks no rule.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "fuzz/lanes.h"
#include "fuzz/mutator.h"

namespace masu::fuzz {
namespace {

using ByteString = std::vector<uint8_t>;

// What makes two failures the same: verdict and words, but for those with digits in them.
std::string signature(const NamedLane& lane, const ByteString& bytes) {
  const auto result = lane.run(decode(bytes.data(), bytes.size()));
  if (result.verdict == Scheduler::Verdict::kDone) return "";
  std::string all = verdict_name(result.verdict), word;
  std::istringstream words(result.reason);
  while (words >> word) {
    if (word.find_first_of("0123456789") == std::string::npos) all += " " + word;
  }
  return all;
}

ByteString shrink(const NamedLane& lane, ByteString bytes, const std::string& wanted) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (unsigned part = 0;;) {
      ByteString less(bytes.size() + 2 * kHeaderBytes);
      less.resize(without_part(bytes.data(), bytes.size(), part, less.data()));
      if (less.empty()) break;
      if (less != bytes && signature(lane, less) == wanted) {
        bytes = less;
        smaller = true;
      } else {
        ++part;
      }
    }
  }
  return bytes;
}

int run(int argc, char** argv) {
  CLI::App app{"Shrinks a failing fuzz input while the same rule stays broken."};
  std::string input, output, lane = "sched_model";
  std::vector<std::string> names;
  for (const NamedLane& each : kLanes) names.emplace_back(each.name);
  app.add_option("input", input, "a failing input")->required()->check(CLI::ExistingFile);
  app.add_option("output", output, "where to write the smaller one")->required();
  app.add_option("--lane", lane, "how to run it")->check(CLI::IsMember(names))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::ifstream file(input, std::ios::binary);
  const ByteString bytes((std::istreambuf_iterator<char>(file)), {});
  const std::string wanted = signature(*lane_named(lane), bytes);
  if (wanted.empty()) {
    std::fprintf(stderr, "%s breaks no rule on %s; name the lane that it failed on with --lane\n", input.c_str(),
                 lane.c_str());
    return 1;
  }
  const ByteString small = shrink(*lane_named(lane), bytes, wanted);
  std::ofstream(output, std::ios::binary).write(reinterpret_cast<const char*>(small.data()), static_cast<std::streamsize>(small.size()));
  std::printf("%zu -> %zu bytes, %u operations: %s\n%s", bytes.size(), small.size(),
              decode(small.data(), small.size()).count, wanted.c_str(),
              describe(decode(small.data(), small.size())).c_str());
  return 0;
}

}  // namespace
}  // namespace masu::fuzz

int main(int argc, char** argv) { return masu::fuzz::run(argc, argv); }
