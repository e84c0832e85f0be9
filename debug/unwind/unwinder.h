// Walks stacks by call-frame information, with a frame-pointer step where there is none. Any thread, inside
// malloc, in signal handlers, with a broken heap: no allocation, no locks waited for, errno kept, and no read
// outside loaded objects' unwind tables and the readable pages above the stack pointer.
// Its rules are shared by all threads. Zero-initialized: 1 MiB that costs only what is used.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "debug/module.h"
#include "debug/unwind/frame.h"
#include "debug/unwind/rule_cache.h"
#include "debug/unwind/stack_bounds.h"
#include "debug/unwind/walk_memo.h"

namespace masu::debug {

class Unwinder {
 public:
  // Fills frames with the sites (Frame::site) of `from` and its callers, innermost first; returns how many.
  // `bounds` is the calling thread's.
  size_t walk(Frame from, StackBounds& bounds, uintptr_t* frames, size_t max);

  // The same, and faster where the thread's walks resemble each other: compares with the previous one.
  size_t walk(Frame from, StackBounds& bounds, WalkMemo& memo, uintptr_t* frames, size_t max);

  // From where a signal interrupted: the third argument of its handler.
  size_t walk_context(const void* ucontext, StackBounds& bounds, uintptr_t* frames, size_t max);

  // Whether the frame at a site of a walk found its caller by the frame pointer it was given, as far as is known.
  enum class FpUse : uint8_t { kUsed, kPassedOn, kReplaced };
  FpUse fp_use(uintptr_t site) const {
    const Rule rule = cache_.find(site, generation());
    if (rule.kind() == RuleKind::kEnd) return FpUse::kReplaced;
    if (rule.kind() == RuleKind::kNone || !rule.plain() || rule.cfa_from_fp()) return FpUse::kUsed;
    return rule.fp_rule() == FpRule::kAtCfa ? FpUse::kReplaced : FpUse::kPassedOn;
  }

  // Forgets all rules: a library was unloaded (call it from dlclose). A library unloaded unseen is noticed
  // when another is found in its place.
  void forget() { generation_.fetch_add(1, std::memory_order_relaxed); }  // relaxed: only a part of keys

  uint64_t generation() const { return generation_.load(std::memory_order_relaxed); }  // relaxed: as forget()

 private:
  struct KnownObject {
    uintptr_t begin;
    uintptr_t end;
    uint64_t identity;
  };
  static constexpr size_t kMaxObjects = 1024;

  template <class Memo>
  size_t walk_with(Frame from, StackBounds& bounds, Memo& memo, uintptr_t* frames, size_t max);
  Rule learn(uintptr_t site, bool exact);
  void note(const Module& module);

  std::atomic<uint64_t> generation_{0};
  std::atomic<bool> objects_busy_{false};
  size_t object_count_ = 0;  // this and the table: only by who set objects_busy_
  KnownObject objects_[kMaxObjects] = {};
  RuleCache cache_;
};

}  // namespace masu::debug
