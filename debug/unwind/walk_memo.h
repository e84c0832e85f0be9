// A thread's previous walk, so that the next one need not repeat it: from the first frame that both have in
// common the callers are the same as long as the words that the walk had read are the same. Those are
// compared without rules, independently of each other, in a fraction of a step.
//   step i+1 follows from step i while  *(sp[i+1] - word) = site[i+1] + 1  and  (no fp_place[i] or
//   *fp_place[i] = fp[i+1])
// Belongs to one thread. A signal handler that interrupts a walk finds it busy and walks without.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/attributes.h"
#include "debug/unwind/frame.h"
#include "debug/unwind/stack_word.h"

namespace masu::debug {

class WalkMemo {
 public:
  static constexpr size_t kSteps = 48;
  // How a frame was left, where it was not by a plain step that read the frame pointer from a place:
  static constexpr uintptr_t kNoPlace = 0;        // a plain step that did not read it
  static constexpr uintptr_t kNotRepeatable = 1;  // another step, or none yet
  static constexpr uintptr_t kOutermost = 2;

  class Walk;

  // The words on which the last walk's first `frames` frames hang: while each is as it was, a walk from the same
  // registers has the same frames. take(i, place, word, is_fp) for those that led from frame i to the next;
  // false where that cannot be said.
  template <class Take>
  bool each_word(size_t frames, Take&& take) const {
    if (frames == 0 || first_ + frames > kSteps) return false;
    for (size_t i = 0; i + 1 < frames; ++i) {
      const Step& step = steps_[first_ + i];
      const Step& caller = steps_[first_ + i + 1];
      if (step.fp_place == kNotRepeatable || step.fp_place == kOutermost) return false;
      take(i, caller.sp - sizeof(uintptr_t), caller.site + 1, false);
      if (step.fp_place != kNoPlace) take(i, step.fp_place, caller.fp, true);
    }
    return true;
  }

 private:
  struct Step {
    uintptr_t sp;
    uintptr_t site;
    uintptr_t fp;
    uintptr_t fp_place;
  };

  std::atomic<bool> busy_{false};
  unsigned first_ = kSteps;  // steps_[first_..kSteps) is the previous walk, innermost first
  uint64_t generation_ = 0;
  Step steps_[kSteps] = {};
};

// One walk. What it has in common with the previous one stays where it is; the frames inside of that are new.
class WalkMemo::Walk {
 public:
  // Another generation means that rules may have changed.
  Walk(WalkMemo& memo, uint64_t generation)
      // relaxed: only this thread and its handlers look, and a handler that runs in between leaves it as it was.
      : memo_(memo), usable_(!memo.busy_.load(std::memory_order_relaxed)) {
    memo.busy_.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    at_ = usable_ && memo.generation_ == generation ? memo.first_ : kSteps;
    if (usable_) memo.generation_ = generation;
  }
  ~Walk() {
    if (!usable_) return;
    if (new_count_ != 0 || common_ != memo_.first_) replace();
    std::atomic_signal_fence(std::memory_order_seq_cst);
    memo_.busy_.store(false, std::memory_order_relaxed);  // relaxed: as above
  }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  // The walk stands at `frame`, which is frames[count - 1]. Adds the callers that are the same as before and
  // moves `frame` to the last of them. True if that is all of the walk. Memory from frame.sp to `high` can be
  // read.
  MASU_INLINE bool follow(Frame& frame, uintptr_t high, uintptr_t* frames, size_t& count, size_t max) {
    const Step* const steps = memo_.steps_;
    while (at_ < kSteps && steps[at_].sp < frame.sp) ++at_;
    if (at_ == kSteps || !is_at(steps[at_], frame)) {
      add({frame.sp, frame.exact ? 0 : frame.site(), frame.fp, kNotRepeatable});
      return count == max;
    }
    common_ = at_;
    size_t n = count;
    while (n < max && at_ + 1 < kSteps && leads(steps[at_], steps[at_ + 1], high))
      frames[n++] = steps[++at_].site;
    count = n;
    if (n == max || steps[at_].fp_place == kOutermost) return true;
    frame = {steps[at_].site + 1, steps[at_].sp, steps[at_].fp, false};
    for (; common_ <= at_; ++common_) add(steps[common_]);  // what lies outside of this is new
    common_ = kSteps;
    return false;
  }

  // How the walk left the frame it stood at.
  MASU_INLINE void left(uintptr_t fp_place) {
    if (new_count_ != 0 && new_count_ <= kSteps) new_[new_count_ - 1].fp_place = fp_place;
  }

 private:
  static bool is_at(const Step& step, const Frame& frame) {
    return step.sp == frame.sp && step.site + 1 == frame.pc && step.fp == frame.fp && !frame.exact;
  }
  static bool leads(const Step& step, const Step& caller, uintptr_t high) {
    if (caller.sp > high || stack_word(caller.sp - sizeof(uintptr_t)) != caller.site + 1) return false;
    return step.fp_place == kNoPlace ||
           (step.fp_place > kOutermost && stack_word(step.fp_place) == caller.fp);
  }

  void add(const Step& step) {
    if (new_count_ < kSteps) new_[new_count_] = step;
    new_count_ += new_count_ <= kSteps;  // kSteps + 1: there was no room, and left() has nothing to change
  }

  // The new steps go before the common ones; if there is no room, outermost steps are given up.
  void replace() {
    Step* const steps = memo_.steps_;
    const size_t fresh = new_count_ < kSteps ? new_count_ : kSteps;
    if (common_ < fresh) {
      std::memmove(steps + fresh, steps + common_, (kSteps - fresh) * sizeof(Step));
      common_ = fresh;
    }
    memo_.first_ = static_cast<unsigned>(common_ - fresh);
    std::memcpy(steps + memo_.first_, new_, fresh * sizeof(Step));
  }

  WalkMemo& memo_;
  const bool usable_;
  size_t at_;               // steps before it lie inside of where the walk stands
  size_t common_ = kSteps;  // the walk ends with steps_[common_..)
  size_t new_count_ = 0;
  Step new_[kSteps];  // the walk begins with these
};

}  // namespace masu::debug
