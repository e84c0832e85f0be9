// masu-symbolize [FILE]: copies a report from FILE or standard input to standard output, with functions and
// lines. Writes at the end and only if all went well: who started it falls back to the plain report.
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "debug/symbolize/report_text.h"
#include "debug/symbolize/source_lines.h"

namespace {

constexpr char kUsage[] = "usage: masu-symbolize [FILE]\nReads a report from FILE, or from standard input.\n";

int run(std::istream& in) {
  masu::debug::SourceLines lines;
  std::ostringstream out;
  masu::debug::symbolize_report(in, out, [&](const auto& path, uint64_t address, const auto& build_id) {
    return lines.at(path, address, build_id);
  });
  std::cout << out.str() << std::flush;
  return std::cout ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string argument = argc > 1 ? argv[1] : "-";
  if (argument == "--help") {
    std::cout << kUsage;
    return 0;
  }
  if (argc > 2 || (argument.size() > 1 && argument[0] == '-')) {
    std::cerr << "masu-symbolize: unknown argument '" << (argc > 2 ? argv[2] : argv[1]) << "'\n" << kUsage;
    return 2;
  }
  if (argument == "-") return run(std::cin);
  std::ifstream file(argument);
  if (!file) {
    std::cerr << "masu-symbolize: cannot read '" << argument << "'\n";
    return 2;
  }
  return run(file);
} catch (const std::exception& error) {
  std::cerr << "masu-symbolize: " << error.what() << "\n";
  return 1;
}
