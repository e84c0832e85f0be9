// Session: from input to world, heap, schedule and back to nothing.
#pragma once

#include "fuzz/session.h"

namespace masu::fuzz {

inline WorldConfig world_config(const Input& in) {
  WorldConfig w;
  w.page_size = (in.config >> 4 & 3) == 3 ? 16384 : 4096;
  w.seed = in.seed;
  if ((in.config & 0x40) != 0) {
    w.address_space_limit = kMiB;
    w.crowded = (in.config & 0x80) != 0;
  }
  return w;
}

inline HeapConfig heap_config(const Input& in) {
  static constexpr size_t kLimits[8] = {0, 0, 0, 0, 1, 2, 3, 6};  // segments
  HeapConfig h;
  h.arena_limit = kLimits[in.config & 7] * TightBounds::kSegmentPages * kPage;
  h.large_cache = (in.config & 8) != 0 ? 64 * kKiB : kMiB;
  h.decay_ms = 50;
  h.ignore_misuse = true;  // where the lane's programs misbehave; others never come to it
  return h;
}

template <class Lane>
Scheduler::Result Session<Lane>::alone(void (*act)(void*, unsigned)) {
  Bytes calm(nullptr, 0);
  return Scheduler::get().run(calm, 1, act, this);
}

template <class Lane>
Scheduler::Result Session<Lane>::run() {
  return with(nullptr);
}

template <class Lane>
Scheduler::Result Session<Lane>::run(Strategy& strategy) {
  return with(&strategy);
}

template <class Lane>
Scheduler::Result Session<Lane>::with(Strategy* strategy) {
  Result result = alone([](void* self, unsigned) { static_cast<Session*>(self)->begin(); });
  if (result.verdict != Scheduler::Verdict::kDone || !started_) return result;
  if constexpr (kConcurrent) {
    result = schedule(strategy);
  } else {
    result = alone([](void* self, unsigned) { static_cast<Session*>(self)->sequence(); });
  }
  if (result.verdict == Scheduler::Verdict::kStopped && result.reason == kDetected) {
    result.verdict = Scheduler::Verdict::kDone;  // the process would have ended here
    return result;
  }
  if (result.verdict != Scheduler::Verdict::kDone) return result;
  const Result end = alone([](void* self, unsigned) { static_cast<Session*>(self)->settle(); });
  if (end.verdict == Scheduler::Verdict::kDone || end.reason == kDetected) return result;
  result.verdict = end.verdict;
  result.reason = end.reason;
  return result;
}

template <class Lane>
void Session<Lane>::begin() {
  world().reset(world_config(in_));
  world().fail(in_.fail_mask, in_.fail_at, in_.fail_for_good);
  model().reset(in_.seed % 8 == 0);  // whole contents cost half of the time
  new (storage_) Heap;
  for (unsigned t = 0; t <= kMaxThreads; ++t) {
    Scheduler::get().play(t);
    Scheduler::get().ranks_held() = 0;
    Scheduler::get().renew();
  }
  Scheduler::get().detach(0);
  started_ = heap().init(heap_config(in_));
  if (started_) return;
  if (!world().has_failed()) fail("init: no heap, although nothing failed");
  if (!world().empty()) fail("init: failed and kept memory");
}

template <class Lane>
Scheduler::Result Session<Lane>::schedule(Strategy* given) {
  uint32_t first[kMaxThreads];
  for (unsigned t = 0; t < in_.threads; ++t) {
    first[t] = kMaxOperations + t;
    for (unsigned i = in_.count; i-- > 0;) {
      if (in_.operations[i].thread == t) first[t] = i;
    }
  }
  auto go = [&](auto&& strategy) {
    return Scheduler::get().run(
        strategy, in_.threads, [](void* self, unsigned t) { static_cast<Session*>(self)->body(t); }, this, first);
  };
  if (given != nullptr) return go(*given);
  switch (in_.mode) {
    case Mode::kPct:
      return go(Pct(in_.permutation, in_.depth, in_.span, in_.seed));
    case Mode::kBytes:
      return go(Bytes(in_.schedule, in_.schedule_bytes));
    default:
      return go(Anchored(in_.preemptions, in_.seed));
  }
}

// A thread's own operations, then its end.
template <class Lane>
void Session<Lane>::body(unsigned thread) {
  for (unsigned i = 0; i < in_.count; ++i) {
    if (in_.operations[i].thread != thread) continue;
    Scheduler::get().begin_operation(i);
    step(in_.operations[i]);
  }
  Scheduler::get().begin_operation(kMaxOperations + thread);
  exit_thread();
}

// All operations in their order, each in its thread's seat.
template <class Lane>
void Session<Lane>::sequence() {
  for (unsigned i = 0; i < in_.count; ++i) {
    Scheduler::get().play(in_.operations[i].thread);
    step(in_.operations[i]);
    if (Scheduler::get().ranks_held() != 0) fail("an operation ended with a lock held");
  }
  for (unsigned t = 0; t < in_.threads; ++t) {
    Scheduler::get().play(t);
    exit_thread();
  }
}

// At rest: nothing is lost, nothing is left.
template <class Lane>
void Session<Lane>::settle() {
  Scheduler::get().play(0);
  Scheduler::get().renew();
  world().heal();
  auto census = [this](const char* when) {
    if (forked_ || misused_) return;  // a torn owner's lists are no evidence
    const size_t seen = heap().census();
    if (seen == SIZE_MAX) fail("%s: the census finds a broken invariant", when);
    if (seen != model().live()) fail("%s: the heap knows %zu live blocks, the program %u", when, seen, model().live());
  };
  census("at rest");
  for (unsigned i = 0; i < kHeaps; ++i) heap_delete(i);
  for (unsigned s = 0; s < kSlots; ++s) {
    if (model().block(s).at != 0) release(s);
  }
  heap().thread_exit();
  census("after the last free");
  heap().trim();
  if (misused_) return heap().destroy();  // a chain that was cut short is lost, not wrong
  const auto totals = heap().totals();
  if (!forked_ && totals.live_large_bytes != 0) fail("%zu bytes of large blocks are lost", totals.live_large_bytes);
  if (totals.cached_large_bytes != 0) fail("trim leaves %zu cached bytes", totals.cached_large_bytes);
  if (!forked_ && totals.arena_bytes + totals.kept_bytes != 0) {
    fail("after free-all and trim %zu + %zu bytes of the arena are left", totals.arena_bytes, totals.kept_bytes);
  }
  heap().destroy();
  if (!world().empty()) fail("destroy: %zu bytes are left behind", world().committed_bytes());
}

}  // namespace masu::fuzz
