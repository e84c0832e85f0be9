// The heap of the debug lane: the interface of a heap (see api/rules.h) over the inner one, with the kind of each
// call, a record and red zones for every block, and a quarantine. Any thread. A value; debug_masu.cc owns the one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/options.h"
#include "debug/diagnose.h"
#include "debug/finding.h"
#include "debug/from.h"
#include "debug/layout.h"
#include "debug/paged.h"
#include "debug/quarantine.h"
#include "debug/raw_memory.h"
#include "debug/shadow.h"
#include "debug/stack_depot.h"
#include "debug/threads.h"
#include "debug/unwind/unwinder.h"

namespace masu::debug {

constexpr size_t kUnsaid = SIZE_MAX;  // as api/rules.h has it

// How a block is asked for and given back; size and align as a sized form says them.
struct Request {
  Family family = Family::kMalloc;
  size_t align = 0;
};
struct Release {
  Family family = Family::kMalloc;
  const char* call = "free";
  size_t size = kUnsaid;
  size_t align = kUnsaid;  // 0: the form for blocks without alignment
};

constexpr Release kFree{};

class DebugHeap {
 public:
  using OwnerT = InnerHeap::OwnerT;

  constexpr explicit DebugHeap(InnerHeap& inner) : inner_(inner) {}
  DebugHeap(const DebugHeap&) = delete;
  DebugHeap& operator=(const DebugHeap&) = delete;

  // --- malloc's family; `from` is the program's frame
  MASU_INLINE void* allocate(size_t bytes, Request r, From from) {
    if (MASU_UNLIKELY(r.align != 0)) return place(bytes, r, from, false);
    return r.family == Family::kMalloc ? place_plainly(bytes, from) : place_as(bytes, r.family, from);
  }
  void* allocate_zeroed(size_t bytes, From from) { return place(bytes, {}, from, true); }
  void release(void* p, const Release& how, From from);
  void release_plainly(void* p, From from);  // by free
  void* reallocate(void* p, size_t bytes, From from);
  size_t size_of(const void* p, From from);

  // --- what symbols.h asks of a heap
  MASU_INLINE void* malloc(size_t bytes) { return allocate(bytes, {}, caller()); }
  MASU_INLINE void free(void* p) { release_plainly(p, caller()); }
  MASU_INLINE size_t usable_size(const void* p) { return size_of(p, caller()); }
  size_t good_size(size_t bytes) { return bytes; }  // exactly: every byte more is a red zone
  bool trim() { return inner_.trim(); }
  InnerHeap::Totals totals() {
    auto t = inner_.totals();
    t.live_large_bytes += paged_.open_bytes();
    return t;
  }
  size_t arena_live_bytes() { return inner_.arena_live_bytes(); }
  Core<DebugLane>& core() { return inner_.core(); }
  OwnerT* heap_new();
  void* heap_malloc(OwnerT& heap, size_t bytes, size_t align);
  void heap_delete(OwnerT& heap);

  // --- what checks and reports ask
  // The cell around an address; false where none is known. `covers` is the fast question before it.
  MASU_INLINE bool covers(uintptr_t p) const { return shadow_.covers(p) || paged_.covers(p); }
  bool locate(uintptr_t p, Cell& cell) const { return debug::locate(view(), p, cell); }
  View view() const { return {shadow_, paged_, quarantine_}; }
  const Shadow& shadow() const { return shadow_; }
  PagedBlocks& paged() { return paged_; }
  StackDepot& depot() { return depot_; }
  Unwinder& unwinder() { return unwinder_; }
  Threads& threads() { return threads_; }
  template <class Visit>
  void each_owner(Visit&& visit) { inner_.each_owner(visit); }
  bool ready() const { return ready_.load(std::memory_order_acquire); }  // acquire, pairs with start()

  // Checks every block that is live or quarantined; findings are reported one by one.
  void sweep(const char* when);
  void configure(const Options& options);
  void constructed();  // constructor time: threads will be noticed
  void fork_prepare();
  void fork_parent();
  void fork_child();

  // Fills the finding's stack from the program's frame.
  void walk(Finding& f, From from);

 private:
  static constexpr uint32_t kEmptyEvery = 64;      // blocks of no bytes for one guarded
  static constexpr unsigned kSampledDepth = 16;  // deeper stacks were asked for: all are whole

  MASU_COLD bool start();
  void* place_plainly(size_t bytes, From from);
  MASU_NOINLINE void* place_as(size_t bytes, Family family, From from);
  template <bool kStack>
  MASU_INLINE void* place_small(size_t bytes, Family family, From from);
  MASU_NOINLINE void* place_anew(void* p, size_t bytes, Family family, From from);
  MASU_NOINLINE void* place(size_t bytes, Request r, From from, bool zeroed);
  MASU_NOINLINE void* place_paged(ThreadState& t, size_t bytes, Request r, From from, bool optional);
  MASU_NOINLINE bool attend(ThreadState& t);
  MASU_NOINLINE void watch(ThreadState& t);
  MASU_INLINE void record(ThreadState& t, const Cell& cell, unsigned cls, Request r, uint32_t stack);
  // Blocks without a byte are rarer and nearly always an oversight: some of each thread's, from the first on.
  MASU_INLINE bool guards_empty(ThreadState& t, size_t bytes) {
    return bytes == 0 && guard_every_ != 0 && t.without_bytes++ % kEmptyEvery == 0;
  }
  template <bool kStack>
  MASU_INLINE void end(void* p, const Release& how, From from);
  MASU_INLINE bool live_block(uintptr_t p, size_t& size) const;
  MASU_NOINLINE bool live_record(uintptr_t p, size_t& size) const;
  MASU_NOINLINE void end_otherwise(uintptr_t p, const Release& how, From from);
  MASU_COLD void end_damaged(uintptr_t p, const Release& how, From from);
  void end_checked(ThreadState& t, const Cell& cell, const Release& how, From from);
  MASU_NOINLINE bool end_record(uintptr_t p, Cell& cell) const;
  MASU_COLD void report_end(const Cell& cell, const Release& how, From from);
  MASU_INLINE void retire(ThreadState& t, uintptr_t begin, uintptr_t user, size_t size, ClassId c, uint32_t stack);
  void retire_paged(ThreadState& t, const Cell& cell, uint32_t stack);
  MASU_NOINLINE void push_to_next(ThreadState& t, Record* record, uintptr_t begin, uint32_t stack, size_t bytes);
  MASU_INLINE void leave_quarantine(const Quarantine::Entry& entry);
  MASU_COLD void report_quarantined(const Quarantine::Entry& entry);
  MASU_COLD void report_damage(const Cell& cell, Finding& f, const char* found_in);
  MASU_INLINE uint32_t stack_of(ThreadState& t, From from) { return depth_ == 0 ? 0 : known_stack(t, from); }
  MASU_NOINLINE uint32_t known_stack(ThreadState& t, From from);
  MASU_COLD void report_bad_pointer(uintptr_t p, const Release& how, Kind wild, From from);

  InnerHeap& inner_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> starting_{false};
  unsigned depth_ = 16;         // frames of a stack; 0: none
  bool sampling_ = false;       // stacks of busy places may be cut short
  bool watching_ = false;       // sweep_every_ or break_at_ is set
  uint64_t sweep_every_ = 0;
  uint64_t break_at_ = 0;
  uint32_t guard_every_ = 0;    // 1: every block; 0: none
  PagedBlocks::Side guard_side_ = PagedBlocks::Side::kLeft;
  std::atomic<uint32_t> heaps_{0};
  Shadow shadow_;
  PagedBlocks paged_;
  Threads threads_;
  Quarantine quarantine_{threads_};
  StackDepot depot_;
  Unwinder unwinder_;
};

DebugHeap& debug_heap();  // the process's own

}  // namespace masu::debug
