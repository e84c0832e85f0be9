// `convert cut TRACE FOLDER [--most N]`: a recording in pieces, each a fuzz input. `convert trace INPUT...`: what the inputs'
// programs ask of malloc, as one trace in text, for fuzz/executor; folders stand for what is in them.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/recorded_inputs.h"

namespace masu::fuzz {
namespace {

namespace fs = std::filesystem;

int cut_into(const std::string& file, const fs::path& folder, size_t most) {
  const trace::Loaded loaded = trace::load(file.c_str());
  if (loaded.error != nullptr) {
    std::fprintf(stderr, "convert: %s: %s\n", file.c_str(), loaded.error);
    return 2;
  }
  fs::create_directories(folder);
  const auto inputs = cut(loaded.trace, most);
  for (size_t i = 0; i < inputs.size(); ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "%06zu", i);
    std::ofstream(folder / name, std::ios::binary).write(reinterpret_cast<const char*>(inputs[i].data()), static_cast<std::streamsize>(inputs[i].size()));
  }
  std::printf("%u operations, %zu inputs in %s\n", loaded.trace.count, inputs.size(), folder.c_str());
  return 0;
}

int print_trace(const std::vector<std::string>& inputs) {
  std::vector<fs::path> files;
  for (const std::string& each : inputs) {
    if (!fs::is_directory(each)) {
      files.emplace_back(each);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(each)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  unsigned thread = 0;
  for (const fs::path& path : files) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(file)), {});
    std::fputs(text_of_input(bytes, thread).c_str(), stdout);
    thread += 4;  // every input's threads are new ones
  }
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app{"Recordings of real programs become fuzz inputs, and fuzz inputs traces."};
  app.require_subcommand(1);
  std::string file, folder;
  std::vector<std::string> inputs;
  size_t most = 20000;
  CLI::App* cut_command = app.add_subcommand("cut", "a recording in pieces, each an input");
  cut_command->add_option("trace", file)->required()->check(CLI::ExistingFile);
  cut_command->add_option("folder", folder)->required();
  cut_command->add_option("--most", most, "pieces, evenly spread")->capture_default_str()->check(CLI::PositiveNumber);
  CLI::App* trace_command = app.add_subcommand("trace", "inputs as one trace in text");
  trace_command->add_option("input", inputs)->required()->check(CLI::ExistingPath);
  CLI11_PARSE(app, argc, argv);
  return cut_command->parsed() ? cut_into(file, folder, most) : print_trace(inputs);
}

}  // namespace
}  // namespace masu::fuzz

int main(int argc, char** argv) { return masu::fuzz::run(argc, argv); }
