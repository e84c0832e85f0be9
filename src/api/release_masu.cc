// The release lane's one global: its heap, and the symbols over it.
#include "api/process.h"
#include "api/rules.h"

namespace masu {

using Heap = Allocator<ReleaseLane>;

thread_local constinit void* tls_self = nullptr;

namespace {

constexpr const char* kVersionLine = "masu 0.1.0 release";
constinit Process<ReleaseLane> g_process;

MASU_INLINE Rules<Heap> rules() { return Rules<Heap>{g_process.heap()}; }
Process<ReleaseLane>& process() { return g_process; }

// Runs before every other initializer (-z initfirst), so that no fork handler is registered before ours.
__attribute__((constructor(101))) void process_start(int, char**, char** environment) {
  linux_environment_at_start(environment);
  g_process.constructed("release");
}
__attribute__((destructor(101))) void process_end() { g_process.finished(); }

}  // namespace

template <>
Process<ReleaseLane>& Process<ReleaseLane>::self() {
  return g_process;
}

}  // namespace masu

#include "api/symbols.h"

#include "api/operators.h"
