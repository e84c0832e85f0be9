// A lane: one build of the heap, as a type. Constants decide geometry and bounds; Sync and Os decide the
// world it runs in; kChecked turns every boundary check on; on_fault decides what a fault does.
// Under<Base, Sync, Os> puts a lane into another world without touching its checks.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "base/bits.h"
#include "base/fault.h"
#include "base/size_class.h"
#include "heap/stats.h"
#include "os/linux.h"
#include "os/report.h"
#include "sync/real_sync.h"

namespace masu {

// Bounds of every lane; a lane inherits and overrides.
struct LaneDefaults {
  static constexpr bool kChecked = false;            // walk and verify every chain and transfer
  static constexpr unsigned kSegmentPages = 512;     // 2 MiB
  static constexpr size_t kMaxRunPages = 128;        // largest block inside a segment: 512 KiB
  static constexpr uint32_t kMaxOwners = 1u << 16;
  static constexpr size_t kMinArena = 64 * kMiB;
  static constexpr size_t kMaxArena = size_t{1} << 40;
  static constexpr unsigned kChunkSegments = 32;     // segments whose page tables are committed together

  // Thread cache: bytes a class may hold, and blocks.
  static constexpr size_t kBinBytes = 256 * kKiB;
  static constexpr size_t kRunBinBytes = 2 * kMiB;
  static constexpr size_t kCacheBytes = 8 * kMiB;    // that a thread's bins may grow by, all together
  static constexpr size_t kCacheBytesTotal = 128 * kMiB;  // shared by all threads where there are many
  static constexpr unsigned kBinMax = 2048;
  static constexpr unsigned kBinMin = 4;
  static constexpr unsigned kBinFirst = 16;          // a bin's limit before it has shown demand
  static constexpr size_t kBinFirstBytes = 4 * kKiB;
  static constexpr unsigned kBinRefill = 64;         // blocks, and bytes, that a refill takes at most
  static constexpr size_t kBinRefillBytes = 8 * kKiB;
  static constexpr unsigned kBinNarrow = 64;         // slots that a bin begins with, at most and of so many bytes; at least half
  static constexpr size_t kBinNarrowBytes = 32 * kKiB;

  // Remote stash: chains by owner; a chain is published at either bound.
  static constexpr unsigned kStashSlots = 64;
  static constexpr unsigned kStashChain = 64;
  static constexpr size_t kStashBytes = 32 * kKiB;

  static constexpr size_t kStashTotal = 256 * kKiB;  // all chains together

  static constexpr unsigned kSpill = 64;             // pointers that a drain may set aside
  static constexpr unsigned kDrainStep = 256;        // blocks a drain looks at before it rests
  static constexpr unsigned kBacklog = 4096;         // blocks that others free while a thread runs, between two of its drains
  static constexpr size_t kHugeLarge = 32 * kMiB;    // large blocks from here on, where they are a small part of all
  static constexpr unsigned kKeepSegments = 8;       // empty segments kept with their pages, and a quarter of those in use, unless the heap is watched
  static constexpr size_t kShrinkPages = 1024;       // a fall to half of so many pages in runs, or more, is worth watching
  static constexpr size_t kShrinkLarge = 16 * kMiB;  // the same for bytes of large blocks
  static constexpr unsigned kShrinks = 8;            // watches in a decay period
  static constexpr unsigned kWatchedPerMs = 128;     // mallocs for each millisecond of the decay period, in a window of a watch
  static constexpr unsigned kRareBoundaries = 4096;  // mallocs to a boundary: with more, a thread seldom looks at the clock by itself
  static constexpr unsigned kTickEvents = 64;        // boundary events between looks at the clock
  static constexpr unsigned kMaxLargeCached = 64;    // extents of freed large mappings kept, whatever their size
  static constexpr unsigned kWarmOrphans = 16;       // owners without a thread that keep their caches for the next
  static constexpr unsigned kEscapeRounds = 8;       // rounds without progress before malloc gives up

  // What a fault does; returns only in lanes of tests.
  static void fatal(Fault f, const Evidence& e) { report_fault(f, e); }
  static void out_of_memory(size_t bytes) { report_out_of_memory(bytes); }
  // A boundary event of an owner, as it happens: a class's bytes, a block, or a number of blocks.
  static void note(Event, uint32_t, uintptr_t) {}
};

template <class L>
concept LaneType = requires {
  typename L::Sync;
  typename L::Os;
  { L::kChecked } -> std::convertible_to<bool>;
  requires SyncPolicy<typename L::Sync>;
  requires OsPolicy<typename L::Os>;
};

struct ReleaseLane : LaneDefaults {
  using Sync = RealSync;
  using Os = LinuxOs;
};

template <class Base, class S, class O>
struct Under : Base {
  using Sync = S;
  using Os = O;
};

template <class Lane>
using Classes = SizeClasses<Lane::kMaxRunPages>;

}  // namespace masu
