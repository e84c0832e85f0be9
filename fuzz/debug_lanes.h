// Lanes that run an input in sequence on the debug heap itself (real_heaps.h), with an oracle of their own.
#pragma once

#include "fuzz/input.h"
#include "fuzz/scheduler.h"

namespace masu::fuzz {

// On the release heap and on the debug heap: the answers agree, and nothing is reported.
Scheduler::Result run_release_vs_debug(const Input& input);
// With overflows, stale writes and bad frees: each is found, nothing else is, and no other block suffers.
Scheduler::Result run_misuse_debug(const Input& input);

}  // namespace masu::fuzz
