// The lanes by name, for the tools that run an input on one of them.
#pragma once

#include <string_view>

#include "fuzz/debug_lanes.h"
#include "fuzz/target.h"

namespace masu::fuzz {

struct NamedLane {
  const char* name;
  Scheduler::Result (*run)(const Input&);
};

constexpr NamedLane kLanes[] = {
    {"seq_model", run_on<SequentialLane>},
    {"sched_model", run_on<ScheduledLane>},
    {"sched_weak", run_on<WeakLane>},
    {"misuse", run_on<MisuseLane>},
    {"misuse_at_once", run_on<MisuseAtOnceLane>},
    {"release_vs_debug", run_release_vs_debug},
    {"misuse_debug", run_misuse_debug},
};

inline const NamedLane* lane_named(std::string_view name) {
  for (const NamedLane& lane : kLanes) {
    if (name == lane.name) return &lane;
  }
  return nullptr;
}

}  // namespace masu::fuzz
