// What was found, before it is put into words: one value, filled by the pure functions of diagnose.h and by the
// checks, read by the report. Kinds are named as AddressSanitizer names them where it has a name.
#pragma once

#include <cstddef>
#include <cstdint>

#include "debug/front.h"

namespace masu::debug {

enum class Kind : uint8_t {
  kOverflow, kUseAfterFree, kDoubleFree, kBadFree, kMismatch, kTypeMismatch, kSizeMismatch, kBadUsableSize,
  kSizeTooBig, kCallocOverflow, kReallocarrayOverflow, kPvallocOverflow, kAlignedAllocAlignment,
  kPosixMemalignAlignment, kMemalignAlignment, kNegativeSize, kOverlap, kSegv, kLeak, kInternal,
  kCount,
};

struct KindText {
  const char* name;
  const char* next;     // what to try, where there is something to try
  bool may_continue;    // with halt=0: stepping over it leaves the heap whole
};

constexpr const char* kBreakHint = "MASU_OPTIONS=break_at=SERIAL stops in a debugger at the block's allocation";
constexpr KindText kKindText[static_cast<size_t>(Kind::kCount)] = {
    {"heap-buffer-overflow", "MASU_OPTIONS=guard=all stops at the bad access itself", true},
    {"heap-use-after-free", "MASU_OPTIONS=guard=all stops at the bad access itself", true},
    {"double-free", kBreakHint, true},
    {"bad-free", kBreakHint, true},
    {"alloc-dealloc-mismatch", kBreakHint, true},
    {"new-delete-type-mismatch", kBreakHint, true},
    {"free-size-mismatch", kBreakHint, true},
    {"bad-malloc_usable_size", kBreakHint, true},
    {"allocation-size-too-big", "", true},
    {"calloc-overflow", "", true},
    {"reallocarray-overflow", "", true},
    {"pvalloc-overflow", "", true},
    {"invalid-aligned-alloc-alignment", "", true},
    {"invalid-posix-memalign-alignment", "", true},
    {"invalid-allocation-alignment", "", true},
    {"negative-size-param", "", false},
    {"memcpy-param-overlap", "", true},
    {"SEGV", "", false},
    {"memory-leak", kBreakHint, true},
    {"allocator-internal", "this is a fault of masu or damage done by a wild write: please report these lines", false},
};

enum class Access : uint8_t { kNone, kRead, kWrite };

// A block's record and place, copied while it could be trusted.
struct BlockFacts {
  bool known = false;
  bool paged = false;
  State state = State::kNever;
  Family family = Family::kMalloc;
  unsigned align_log2 = 0;
  uintptr_t begin = 0, end = 0, user = 0;
  size_t size = 0;
  uint64_t serial = 0;
  uint32_t alloc_thread = 0, free_thread = 0;
  uint32_t alloc_stack = 0, free_stack = 0;
};

inline BlockFacts facts_of(const Cell& cell) {
  const Record& r = *cell.record;
  BlockFacts f;
  f.known = true;
  f.paged = cell.paged;
  f.state = state_of(cell);
  f.family = r.family;
  f.align_log2 = r.align_log2;
  f.begin = cell.begin;
  f.end = cell.end;
  f.user = cell.user;
  f.size = r.size();
  f.serial = r.serial;
  f.alloc_thread = r.alloc_thread();
  f.free_thread = r.free_thread;
  f.alloc_stack = r.alloc_stack;
  f.free_stack = r.free_stack;
  return f;
}

constexpr size_t kMaxFrames = 64;

struct Finding {
  Kind kind = Kind::kInternal;
  Access access = Access::kNone;
  uintptr_t address = 0;
  size_t bytes = 0;              // of the access, as far as it can be known
  const char* call = "";         // the function that was called, or the check that found it
  const char* lies = "";         // where an address outside every block lies
  const char* detail = "";
  uintptr_t damage = 0, damage_end = 0;  // bytes that changed
  size_t said_size = 0, said_align = 0;  // of a sized free
  Family said_family = Family::kMalloc;
  bool guessed = false;          // which of two blocks was meant
  bool after_the_fact = false;   // the stack below is the check's, not the culprit's
  BlockFacts block;
  size_t frame_count = 0;
  uintptr_t frames[kMaxFrames];

  const KindText& text() const { return kKindText[static_cast<size_t>(kind)]; }
};

}  // namespace masu::debug
