// Shrinks a failing input: drops operations, preemptions, failures and schedule bytes for as long as the same rule
// stays broken. `minimize INPUT OUTPUT [--lane L]`; exit code 1 where INPUT breaks no rule.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/shrink.h"

namespace masu::fuzz {
namespace {

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
