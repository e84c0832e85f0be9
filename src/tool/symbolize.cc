// masu symbolize: names and lines for a report that was written without them, by masu-symbolize beside this program.
#include <filesystem>
#include <stdexcept>

#include "tool/commands.h"
#include "tool/launch.h"

namespace masu::tool {

void add_symbolize(CLI::App& app, Invocation&) {
  auto report = std::make_shared<std::string>("-");
  CLI::App* symbolize = app.add_subcommand("symbolize", "Add functions and lines to a debug report: masu symbolize [FILE]");
  symbolize->add_option("file", *report, "the report; without it, standard input");
  symbolize->callback([report] {
    const auto program = std::filesystem::canonical("/proc/self/exe").parent_path() / "masu-symbolize";
    if (!std::filesystem::exists(program)) throw std::runtime_error("there is no " + program.string() + " (built where libdw is)");
    exec_program({program.string(), *report});
  });
}

}  // namespace masu::tool
