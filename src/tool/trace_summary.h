// What a trace holds, in figures.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "trace/trace.h"

namespace masu::tool {

struct TraceSummary {
  std::array<uint64_t, static_cast<size_t>(trace::Kind::kCount)> times{};  // of each kind
  uint64_t operations = 0, threads = 0, requested = 0;                     // bytes over all calls
  uint64_t peak_blocks = 0, peak_bytes = 0, left_blocks = 0, left_bytes = 0;
  uint64_t freed_elsewhere = 0;           // by another thread than the one that got the block last
  std::array<uint64_t, 65> sizes{};       // [n]: requests of at most 2^n bytes and more than 2^(n-1)
  uint64_t unknown = 0, lost = 0;         // see trace::Trace
};

TraceSummary summarize(const trace::Trace& trace);
std::string as_text(const TraceSummary& summary);

}  // namespace masu::tool
