// The two heaps that programs really run on, as values in this process: the release heap and the debug heap, on the
// system's memory, kept from input to input. One thread. Findings of the debug heap are kept instead of told.
#pragma once

#include "api/rules.h"
#include "debug/heap.h"
#include "debug/rules.h"
#include "fuzz/sched_sync.h"
#include "heap/allocator.h"

namespace masu::fuzz {

// RealSync knows one heap a process, which is the debug heap here.
using ReleaseHeap = Allocator<Under<ReleaseLane, PlainSync, LinuxOs>>;

Rules<ReleaseHeap> release_rules();
debug::DebugRules debug_rules();

// What the debug heap found since the last forget(): how often, and the last one.
struct Findings {
  unsigned bad_pointers, damages, internal;
  debug::Finding last;
  unsigned all() const { return bad_pointers + damages + internal; }
  void forget() { bad_pointers = damages = internal = 0; }
};
Findings& findings();

}  // namespace masu::fuzz
