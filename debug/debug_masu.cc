// The debug lane's one global: its heap, and the symbols over it.
#include <stdio.h>
#include <unistd.h>

#include "api/process.h"
#include "api/rules.h"
#include "debug/heap.h"
#include "debug/inherit.h"
#include "debug/report.h"
#include "debug/report_text.h"
#include "debug/rules.h"

namespace masu {

using debug::DebugHeap;
using debug::DebugLane;
using debug::InnerHeap;

thread_local constinit void* tls_self = nullptr;

namespace {

constexpr const char* kVersionLine = "masu 0.1.0 debug";
constexpr int kExitLeaks = 23;  // as LeakSanitizer
constinit Process<DebugLane> g_process;
constinit DebugHeap g_heap{g_process.heap()};
constinit char** g_arguments = nullptr;

MASU_INLINE debug::DebugRules rules() { return debug::DebugRules{g_heap}; }
Process<DebugLane>& process() { return g_process; }

void configure() {
  g_heap.configure(g_process.options());
  debug::configure_reports(g_process.options());
}

// guard=all or left that did not reach all says so.
void say_coverage() {
  constexpr int64_t kAll = 2;
  const uint64_t refused = g_heap.paged().refused();
  if (refused == 0 || g_process.options().get(Option::kGuard) < kAll) return;
  Text line;
  line << "masu: guard: blocks without a guard for want of memory or mappings: ";
  line.dec(refused) << "\n";
  linux_write_error(line.data(), line.size());
}

void leave_children_alone() {
  const char* list = linux_environment("LD_PRELOAD");
  if (list != nullptr) debug::remove_from_preload(const_cast<char*>(list), debug::own_path());
}

__attribute__((constructor(101))) void process_start(int, char** arguments, char** environment) {
  g_arguments = arguments;
  linux_environment_at_start(environment);
  g_heap.constructed();
  g_process.constructed("debug");
  pthread_atfork([] { g_heap.fork_prepare(); }, [] { g_heap.fork_parent(); }, [] { g_heap.fork_child(); });
  configure();
  debug::set_ranges();
  debug::install_fault_handler();
  if (!g_process.options().on(Option::kInherit)) leave_children_alone();
}

__attribute__((destructor(101))) void process_end() {
  g_heap.sweep("the check at exit");
  const bool leaks = g_process.options().on(Option::kLeaks) && debug::find_leaks(debug::caller(), g_arguments);
  g_process.finished();
  say_coverage();
  debug::sum_up_reports();
  if (leaks && g_process.options().on(Option::kHalt)) {
    fflush(nullptr);
    _exit(kExitLeaks);
  }
}

}  // namespace

namespace debug {
DebugHeap& debug_heap() { return g_heap; }
}  // namespace debug

template <>
Process<DebugLane>& Process<DebugLane>::self() {
  return g_process;
}

}  // namespace masu

#include "api/symbols.h"

#include "api/operators.h"
