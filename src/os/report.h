// The release lane's one fault path: a line on stderr that says what, where and what to do next, then abort.
// Allocation-free and lock-free; the first thread reports, any other waits for the end of the process.
#pragma once

#include <cstddef>

#include "base/fault.h"

namespace masu {

[[noreturn]] void report_fault(Fault f, const Evidence& e);
// Once per process; malloc then returns null.
void report_out_of_memory(size_t bytes);

}  // namespace masu
