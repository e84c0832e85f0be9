// Exhaustive exploration of a small program: every schedule with at most `preemptions` preemptions, and every
// value that choose() may give, each run once. Depth-first; bound 0 first, then 1, 2, ..., so that the first
// failure found has the fewest preemptions. The program must be the same at every run but for these decisions.
//   ExploreResult r = explore(3, [] { return one run through Scheduler::run(strategy given); });
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/scheduler.h"

namespace masu::fuzz {

// Follows a prefix of decisions, then the first alternative of each; notes what alternatives there were.
class Exhaustive final : public Strategy {
 public:
  explicit Exhaustive(unsigned bound, unsigned choices = UINT32_MAX, unsigned from = 0)
      : bound_(bound), choices_(choices), from_(from) {}

  unsigned next(const Moment& m) override;
  unsigned choose(unsigned n) override;

  // Makes the next run another one; false where all have been.
  bool advance();
  void restart() { at_ = preemptions_ = chosen_ = 0; }
  unsigned preemptions() const { return preemptions_; }

 private:
  struct Decision {
    uint8_t alternatives;   // how many
    uint8_t taken;          // which of them
    uint8_t thread[kMaxThreads];
  };
  unsigned take(const Decision& fresh);

  unsigned bound_, choices_, from_;
  unsigned preemptions_ = 0, chosen_ = 0;
  size_t at_ = 0;
  std::vector<Decision> path_;
};

struct ExploreResult {
  uint64_t runs = 0;
  uint64_t failures = 0;
  unsigned preemptions = 0;   // of the first failure
  std::string reason;         // of the first failure
};

// `run(strategy)` makes one run and returns its result; `stop_at_failure` ends the search at the first.
// `choices`: at most so many non-zero values from choose() a run. `from`: the operations before it only prepare, undisturbed.
template <class Run>
ExploreResult explore(unsigned preemptions, Run&& run, bool stop_at_failure = true, unsigned choices = UINT32_MAX, unsigned from = 0) {
  ExploreResult result;
  for (unsigned bound = stop_at_failure ? 0 : preemptions; bound <= preemptions; ++bound) {
    Exhaustive strategy(bound, choices, from);
    do {
      strategy.restart();
      const Scheduler::Result one = run(strategy);
      ++result.runs;
      if (one.verdict == Scheduler::Verdict::kDone) continue;
      if (result.failures++ == 0) {
        result.preemptions = strategy.preemptions();
        result.reason = one.reason;
      }
      if (stop_at_failure) return result;
    } while (strategy.advance());
  }
  return result;
}

}  // namespace masu::fuzz
