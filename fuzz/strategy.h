// The three ways in which an input decides a schedule. Each is a pure function of its arguments and of what
// happens in the run, so that a run repeats. Compiled uninstrumented (strategy.cc): any fibre calls them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "fuzz/random.h"
#include "fuzz/scheduler.h"

namespace masu::fuzz {

// Operations run whole and in the order of the input, but for up to four preemptions. Each is anchored in an
// operation, so that editing other operations does not move it.
class Anchored final : public Strategy {
 public:
  struct Preemption {
    uint32_t operation;
    uint32_t yield;   // at its yield point of this number
    unsigned to;      // this thread runs instead (if it can)
    unsigned hold;    // for so many operations; 0: as long as it can
  };
  static constexpr unsigned kMax = 4;

  Anchored(const Preemption (&preemptions)[kMax], uint64_t seed) : random_(seed) {
    std::copy_n(preemptions, kMax, preemptions_);
  }

  unsigned next(const Moment& m) override;
  unsigned choose(unsigned n) override;

 private:
  Preemption preemptions_[kMax];
  unsigned guest_ = kHost;
  uint32_t left_ = 0;
  Random random_;
};

// Probabilistic concurrency testing (Burckhardt et al.): the runnable thread of highest priority runs; at
// depth - 1 random steps the running thread drops below all others. Finds a bug of that depth in a run of k
// steps with probability >= 1 / (threads * k^(depth-1)).
class Pct final : public Strategy {
 public:
  Pct(unsigned permutation, unsigned depth, uint32_t span, uint64_t seed) : changes_(depth - 1), random_(seed) {
    for (unsigned t = 0; t < kMaxThreads; ++t) priority_[t] = static_cast<int>(t);
    for (unsigned i = kMaxThreads - 1; i > 0; --i) {
      std::swap(priority_[i], priority_[permutation % (i + 1)]);
      permutation /= i + 1;
    }
    for (unsigned i = 0; i < changes_; ++i) change_[i] = random_.below(span);
  }

  unsigned next(const Moment& m) override;
  unsigned choose(unsigned n) override;

 private:
  static constexpr unsigned kMaxChanges = 3;
  unsigned changes_;
  int priority_[kMaxThreads + 1] = {};  // the host, who starts a run, has one too
  int lowest_ = 0;
  uint32_t change_[kMaxChanges];
  Random random_;
};

// A byte of the input for every decision; where it ends, nothing unforced happens any more.
class Bytes final : public Strategy {
 public:
  Bytes(const uint8_t* bytes, size_t size) : at_(bytes), end_(bytes + size) {}

  unsigned next(const Moment& m) override;
  unsigned choose(unsigned n) override;

 private:
  unsigned take();

  const uint8_t* at_;
  const uint8_t* end_;
};

}  // namespace masu::fuzz
