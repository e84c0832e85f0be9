// What the executor tries besides files: traces made from a seed, and the table of returns and errno.
#pragma once

#include "trace/trace.h"

namespace masu::fuzz {

// One to four threads, few blocks, often freed by another thread than got them; the blocks that are left come last.
trace::Trace trace_of_seed(unsigned long seed);

// What POSIX, C23 and glibc promise of calls that cannot be served, and of size 0. Every broken rule is named, and then the
// process ends with status 1.
void check_returns();

}  // namespace masu::fuzz
