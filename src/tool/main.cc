// The masu command: starts programs on masu and shows what masu knows about them.
#include <algorithm>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

#include "tool/commands.h"

int main(int argc, char** argv) try {
  masu::tool::Invocation invocation;
  char** const split = std::find(argv + 1, argv + argc, std::string("--"));
  if (split != argv + argc) invocation.program.assign(split + 1, argv + argc);

  CLI::App app{"masu, a memory allocator: run programs on it and look inside"};
  app.require_subcommand(1);
  masu::tool::add_run(app, invocation);
  masu::tool::add_verify(app, invocation);
  masu::tool::add_stats(app, invocation);
  masu::tool::add_options(app, invocation);
  masu::tool::add_record(app, invocation);
  masu::tool::add_trace(app, invocation);
  masu::tool::add_symbolize(app, invocation);
  if (argc > 1 && argv[1][0] != '-' && argv[1][0] != 0) {
    std::string names;
    for (const CLI::App* command : app.get_subcommands({})) names += " " + command->get_name();
    if ((names + " ").find(" " + std::string(argv[1]) + " ") == names.npos) {
      throw std::runtime_error("no command '" + std::string(argv[1]) + "'; there are:" + names);
    }
  }
  CLI11_PARSE(app, static_cast<int>(split - argv), argv);
  return invocation.exit_code;
} catch (const std::exception& error) {
  std::cerr << "masu: " << error.what() << "\n";
  return 2;
}
