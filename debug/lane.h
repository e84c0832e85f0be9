// The debug lane: the same heap with every boundary check on and small caches, under a shadow (heap.h).
#pragma once

#include "heap/allocator.h"

namespace masu::debug {

struct DebugLane : LaneDefaults {
  using Sync = RealSync;
  using Os = LinuxOs;
  static constexpr bool kChecked = true;

  // The quarantine delays reuse; what has left it should not wait again in a cache.
  static constexpr size_t kBinBytes = 64 * kKiB;
  static constexpr size_t kRunBinBytes = 256 * kKiB;
  static constexpr unsigned kBinMax = 512;

  // The heap's own complaint: the program's pointers were checked before, so its state is at fault.
  static void fatal(Fault f, const Evidence& e);
  static void note(Event event, uint32_t owner, uintptr_t what);  // in the thread's ring (events.h)
  static void out_of_memory(size_t bytes) { report_out_of_memory(bytes); }
};

using InnerHeap = Allocator<DebugLane>;

}  // namespace masu::debug
