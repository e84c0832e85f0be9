// masu trace: what a recording holds, in figures or operation by operation.
#include "trace/trace.h"

#include <iostream>
#include <stdexcept>

#include "tool/commands.h"
#include "tool/trace_summary.h"

namespace masu::tool {
namespace {

// A line an operation, as trace::load reads it.
void print_operations(const trace::Trace& trace) {
  using trace::Kind;
  for (uint32_t i = 0; i < trace.count; ++i) {
    const trace::Operation& op = trace.operations[i];
    std::cout << op.thread << ' ' << trace::kind_name(op.kind) << ' ' << op.block;
    if (trace::has_size(op.kind) || op.kind == Kind::kRealloc) std::cout << ' ' << op.size;
    if (op.kind == Kind::kAligned) std::cout << ' ' << (uint64_t{1} << op.align_log2);
    std::cout << '\n';
  }
}

}  // namespace

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
    settings->operations ? print_operations(loaded.trace) : static_cast<void>(std::cout << as_text(summarize(loaded.trace)));
  });
}

}  // namespace masu::tool
