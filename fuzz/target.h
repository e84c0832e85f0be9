// What every target shares: runs an input on lanes and ends the process where a rule was broken, in words that
// the fuzzing services' triage understands.
#pragma once

#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include "fuzz/session.h"
#include "fuzz/weak_atomic.h"

namespace masu::fuzz {

inline const char* verdict_name(Scheduler::Verdict verdict) {
  static constexpr const char* kNames[] = {"done", "broken-rule", "deadlock", "livelock"};
  return kNames[static_cast<size_t>(verdict)];
}

[[noreturn]] inline void report(const Input& input, const char* lane, const Scheduler::Result& result) {
  std::fprintf(stderr, "==%d==ERROR: MasuSanitizer: %s\n  %s\n  lane %s, after %u steps, run %#llx\n%s", getpid(),
               verdict_name(result.verdict), result.reason, lane, result.steps,
               static_cast<unsigned long long>(result.hash), describe(input).c_str());
  std::fprintf(stderr, "SUMMARY: MasuSanitizer: %s %s\n", verdict_name(result.verdict), result.reason);
  std::abort();
}

using SequentialLane = Under<TightBounds, PlainSync, FaultOs>;
using ScheduledLane = Under<TightBounds, SchedSync, FaultOs>;
using WeakLane = Under<TightBounds, WeakSync, FaultOs>;
using MisuseLane = Under<MisuseBounds, PlainSync, FaultOs>;
using MisuseAtOnceLane = Under<MisuseAtOnce, SchedSync, FaultOs>;

template <class Lane>
Scheduler::Result run_on(const Input& input) {
  return Session<Lane>(input).run();
}

inline int test_one(const uint8_t* data, size_t size, Scheduler::Result (*run)(const Input&), const char* lane) {
  const Input input = decode(data, size);
  const auto result = run(input);
  if (result.verdict != Scheduler::Verdict::kDone) report(input, lane, result);
  return 0;
}

}  // namespace masu::fuzz
