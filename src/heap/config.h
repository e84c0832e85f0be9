// What a heap is told when it starts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.h"

namespace masu {

// Transparent huge pages: a fault for 2 MiB instead of 512, and whole 2 MiB resident. kAuto asks for them for large
// blocks of many huge pages where what may stay untouched is little beside what already lives; kOn for segments too.
enum class HugePages : uint8_t { kAuto, kOff, kOn };

struct HeapConfig {
  size_t arena_limit = 0;             // bytes; 0: what the machine allows
  uint64_t decay_ms = 500;
  size_t large_cache = 64 * kMiB;     // bytes of freed large mappings that are kept whatever lives
  size_t large_most = SIZE_MAX;       // and that are kept at most
  HugePages huge_pages = HugePages::kAuto;
  bool ignore_misuse = false;         // count faults that can_ignore() instead of stopping
};

}  // namespace masu
