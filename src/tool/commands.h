// The commands of the masu tool. Each add_ function gives the application one subcommand, whose callback
// sets Invocation::exit_code. What follows "--" on the command line is not parsed but handed over as
// `program`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace masu::tool {

struct Invocation {
  std::vector<std::string> program;
  int exit_code = 0;
};

void add_run(CLI::App& app, Invocation& invocation);
void add_verify(CLI::App& app, Invocation& invocation);
void add_stats(CLI::App& app, Invocation& invocation);
void add_options(CLI::App& app, Invocation& invocation);
void add_record(CLI::App& app, Invocation& invocation);
void add_trace(CLI::App& app, Invocation& invocation);
void add_symbolize(CLI::App& app, Invocation& invocation);

}  // namespace masu::tool
