#include "debug/unwind/unwinder.h"

#include "base/attributes.h"
#include "debug/unwind/cfi_program.h"
#include "debug/unwind/eh_frame.h"
#include "debug/unwind/stack_word.h"
#include "machine.h"

namespace masu::debug {
namespace {

constexpr uintptr_t kWord = sizeof(uintptr_t);
constexpr uintptr_t kFirstAddress = 4096;

// The word at `address` if it lies on this stack, above sp.
bool load(StackView& stack, uintptr_t sp, uintptr_t address, uintptr_t& word) {
  if (address < sp || address % kWord != 0 || !stack.reaches(address + kWord)) return false;
  word = stack_word(address);
  return true;
}

bool canonical_frame_address(const Rule& rule, const Frame& frame, StackView& stack, uintptr_t& cfa) {
  cfa = (rule.cfa_from_fp() ? frame.fp : frame.sp) + static_cast<uintptr_t>(rule.cfa_offset());
  if (!rule.cfa_deref()) return true;
  if (!load(stack, frame.sp, cfa, cfa)) return false;
  cfa += static_cast<uintptr_t>(rule.cfa_post());
  return true;
}

// The caller's frame pointer; false if its place cannot be read.
bool caller_frame_pointer(const Rule& rule, const Frame& frame, uintptr_t cfa, StackView& stack,
                          uintptr_t& fp) {
  auto place = static_cast<uintptr_t>(rule.fp_offset());
  switch (rule.fp_rule()) {
    case FpRule::kUnchanged:
      return true;
    case FpRule::kAtCfa:
      place += cfa;
      break;
    case FpRule::kAtFp:
      place += frame.fp;
      break;
    case FpRule::kAtSp:
      place += frame.sp;
      break;
  }
  // Below sp it was popped already: the register holds it.
  return place < frame.sp || load(stack, frame.sp, place, fp);
}

// From a frame to its caller; false at the end of the stack.
bool step(const Rule& rule, StackView& stack, Frame& frame) {
  uintptr_t cfa;
  if (!canonical_frame_address(rule, frame, stack, cfa)) return false;
  if (!rule.signal() && (cfa <= frame.sp || cfa % kWord != 0 || !stack.reaches(cfa))) return false;

  Frame caller{0, cfa, frame.fp, rule.signal()};
  const uintptr_t ra_place = (rule.ra_from_sp() ? frame.sp : cfa) + static_cast<uintptr_t>(rule.ra_offset());
  if (!load(stack, frame.sp, ra_place, caller.pc)) return false;
  if (!caller_frame_pointer(rule, frame, cfa, stack, caller.fp)) return false;
  if (caller.pc < kFirstAddress || caller.pc >= machine::kAddressEnd) return false;
  if (rule.kind() == RuleKind::kCfi) stack.keep();
  if (rule.signal()) stack.start(cfa, false);
  frame = caller;
  return true;
}

// The step that nearly all frames take, in few instructions; false if step() must do it. `fp_place` is for
// the memo.
MASU_INLINE bool plain_step(const Rule& rule, uintptr_t high, Frame& frame, uintptr_t& fp_place) {
  if (!rule.plain()) return false;
  const uintptr_t cfa =
      (rule.cfa_from_fp() ? frame.fp : frame.sp) + static_cast<uintptr_t>(rule.cfa_offset());
  if (cfa <= frame.sp || cfa > high || cfa % kWord != 0) return false;
  const uintptr_t pc = stack_word(cfa - kWord);
  if (pc - kFirstAddress >= machine::kAddressEnd - kFirstAddress) return false;
  fp_place = WalkMemo::kNoPlace;
  if (rule.fp_rule() == FpRule::kAtCfa) {
    const uintptr_t place = cfa + static_cast<uintptr_t>(rule.fp_offset());
    if (place < frame.sp || place % kWord != 0) return false;
    frame.fp = stack_word(place);
    fp_place = place;
  }
  frame.pc = pc;
  frame.sp = cfa;
  frame.exact = false;
  return true;
}

struct NoMemo {
  bool follow(Frame&, uintptr_t, uintptr_t*, size_t count, size_t max) { return count == max; }
  void left(uintptr_t) {}
};

// Tells two libraries apart that were loaded at one place.
uint64_t identity_of(const Module& module) {
  const uint64_t values[] = {module.begin, module.end, module.unwind_header};
  uint64_t hash = 0;
  for (const uint64_t value : values) hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  for (size_t i = 0; i < module.build_id_bytes; ++i) hash = (hash ^ module.build_id[i]) * 0x100000001b3u;
  return hash;
}

}  // namespace

size_t Unwinder::walk(Frame from, StackBounds& bounds, WalkMemo& memo, uintptr_t* frames, size_t max) {
  WalkMemo::Walk previous(memo, generation());
  return walk_with(from, bounds, previous, frames, max);
}

size_t Unwinder::walk(Frame from, StackBounds& bounds, uintptr_t* frames, size_t max) {
  NoMemo none;
  return walk_with(from, bounds, none, frames, max);
}

template <class Memo>
MASU_INLINE size_t Unwinder::walk_with(Frame from, StackBounds& bounds, Memo& memo, uintptr_t* frames,
                                       size_t max) {
  const uint64_t now = generation();
  StackView stack(bounds, from.sp, !from.exact);
  Frame frame = from;
  size_t count = 0;
  while (count < max) {
    frames[count++] = frame.site();
    if (memo.follow(frame, stack.high(), frames, count, max)) break;
    const uintptr_t site = frame.site();
    Rule rule = cache_.find(site, now);
    if (rule.kind() == RuleKind::kNone) [[unlikely]]
      rule = learn(site, frame.exact);
    uintptr_t fp_place;
    if (plain_step(rule, stack.high(), frame, fp_place)) {
      memo.left(fp_place);
      continue;
    }
    memo.left(rule.kind() == RuleKind::kEnd ? WalkMemo::kOutermost : WalkMemo::kNotRepeatable);
    Frame caller = frame;  // a copy, so that the address of `frame` stays unknown and it in registers
    if (rule.kind() == RuleKind::kEnd || !step(rule, stack, caller)) break;
    frame = caller;
  }
  return count;
}

size_t Unwinder::walk_context(const void* ucontext, StackBounds& bounds, uintptr_t* frames, size_t max) {
  return walk(machine::context_frame(ucontext), bounds, frames, max);
}

Rule Unwinder::learn(uintptr_t site, bool exact) {
  if (exact && site < kFirstAddress) return machine::just_called_rule();
  Module module;
  Fde fde;
  Rule rule = machine::frame_pointer_rule();
  if (find_module(site, module)) {
    note(module);
    if (module.unwind_header != 0 && find_fde(module.unwind_header, site, fde)) rule = run_cfi(fde, site);
  }
  rule.mark_if_plain();
  cache_.put(site, generation(), rule);
  return rule;
}

// Keeps one entry per place. Another object in the place of a known one means that the known one was
// unloaded, so that its rules must not be used any more.
void Unwinder::note(const Module& module) {
  // acquire, pairs with the release below: the table as its last writer left it. Who finds it busy leaves the
  // check to the next miss: waiting here could be waiting for the code that this signal handler interrupted.
  if (objects_busy_.exchange(true, std::memory_order_acquire)) return;
  const uint64_t identity = identity_of(module);
  size_t kept = 0;
  bool known = false;
  bool replaced = false;
  for (size_t i = 0; i < object_count_; ++i) {
    const KnownObject& old = objects_[i];
    const bool overlaps = old.begin < module.end && module.begin < old.end;
    const bool same = overlaps && old.identity == identity;
    known = known || same;
    replaced = replaced || (overlaps && !same);
    if (!overlaps || same) objects_[kept++] = old;
  }
  if (!known && kept < kMaxObjects) objects_[kept++] = {module.begin, module.end, identity};
  object_count_ = kept;
  if (replaced) forget();
  objects_busy_.store(false, std::memory_order_release);  // release, pairs with the acquire above
}

}  // namespace masu::debug
