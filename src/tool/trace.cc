// masu trace: what a recording holds, in figures or operation by operation.
#include "trace/trace.h"

#include <unistd.h>

#include <iostream>
#include <stdexcept>

#include "tool/commands.h"
#include "tool/trace_summary.h"

namespace masu::tool {
void add_trace(CLI::App& app, Invocation&) {
  struct Settings {
    std::string file;
    bool operations = false;
  };
  auto settings = std::make_shared<Settings>();
  CLI::App* command = app.add_subcommand("trace", "Show what a recording holds: masu trace [--operations] FILE");
  command->add_option("file", settings->file, "a recording, or a trace as text")->required();
  command->add_flag("--operations", settings->operations, "as text, a line an operation: THREAD KIND BLOCK [SIZE [ALIGNMENT]]");
  command->callback([settings] {
    const trace::Loaded loaded = trace::load(settings->file.c_str());
    if (loaded.error != nullptr) {
      const std::string line = loaded.line == 0 ? "" : ", line " + std::to_string(loaded.line);
      throw std::runtime_error(settings->file + line + ": " + loaded.error);
    }
    if (!settings->operations) {
      std::cout << as_text(summarize(loaded.trace));
    } else if (!trace::write_text(loaded.trace, STDOUT_FILENO)) {
      throw std::runtime_error("cannot write the operations");
    }
  });
}

}  // namespace masu::tool
