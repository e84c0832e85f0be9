// masu run: the program on masu, in this very process, so that its exit status and signals are its own.
#include "tool/commands.h"
#include "tool/launch.h"

namespace masu::tool {

void add_run(CLI::App& app, Invocation& invocation) {
  struct Settings {
    bool debug = false;
    std::string options;
  };
  auto settings = std::make_shared<Settings>();
  CLI::App* run = app.add_subcommand("run", "Run a program on masu: masu run [--debug] -- PROGRAM ARGS");
  run->add_flag("--debug", settings->debug, "on the debug lane, which finds faults");
  run->add_option("--options", settings->options,
                  "more MASU_OPTIONS, key=value:key=value (see: masu options)");
  run->callback([settings, &invocation] {
    require_program(invocation.program);
    set_environment(settings->debug ? Lane::kDebug : Lane::kRelease, settings->options);
    exec_program(invocation.program);
  });
}

}  // namespace masu::tool
