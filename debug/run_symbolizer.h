// Hands a finished report to masu-symbolize, a process of its own: this one's heap may be broken. No
// allocation, no atfork handlers, no signals meanwhile. One report per process; not for two threads at once.
#pragma once
#include <cstddef>

namespace masu::debug {

// Runs `program` (a path) on the report and copies what it writes to `file`. False if it wrote nothing within
// kSeconds: the caller then writes the report as it is. The child gets this environment without LD_PRELOAD.
bool run_symbolizer(const char* program, const char* report, size_t bytes, int file);

}  // namespace masu::debug
