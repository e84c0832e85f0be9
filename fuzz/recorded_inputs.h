// Between recordings of real programs and the fuzzers' inputs, both ways. The same trace always gives the same inputs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace/trace.h"

namespace masu::fuzz {

// The trace in pieces of up to 64 operations, as inputs: runs of equal mallocs and of frees of neighbouring slots are one operation,
// sizes are the next that has a code, and a piece leaves out what is done to blocks of another piece or beyond 32 at once.
// Evenly spread over the trace, at most `most` pieces.
std::vector<std::vector<uint8_t>> cut(const trace::Trace& trace, size_t most);

// What an input's program asks of malloc, as a trace in text (trace/trace.h), by threads numbered from `thread`, and then
// the frees of what is left. What only a heap under a model can do (budgets, failures, forks, misuse) is left out.
std::string text_of_input(const std::vector<uint8_t>& input, unsigned thread);

}  // namespace masu::fuzz
