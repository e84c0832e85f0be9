// What the debug lane keeps per thread: its number and name for reports, its count of allocations, its part of the
// quarantine. States are reused by later threads with what they hold, so a thread's end loses nothing. A state
// belongs to its thread; the table of names is for reports.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "base/attributes.h"
#include "base/bits.h"
#include "debug/block.h"
#include "debug/events.h"
#include "debug/stack_memo.h"
#include "debug/unwind/stack_bounds.h"
#include "debug/unwind/walk_memo.h"

namespace masu::debug {

struct QuarantineChunk;

struct ThreadName {
  uint32_t id, tid;
  char name[16];
};

// A block as a checked function last met it. It is as it was until this thread forgets it, where there never was another;
// else while its front says the same (front.h), or, where it lies on pages of its own, its record.
struct SeenBlock {
  uintptr_t user;
  size_t size;
  uint64_t mark;         // facts or serial
  const Record* record;  // null: in the arena

  MASU_INLINE bool reaches(uintptr_t p, size_t bytes) const {
    const size_t offset = p - user;
    return offset <= size && bytes <= size - offset;
  }
};

struct ThreadState {
  static constexpr size_t kSeen = 256;  // by address
  static constexpr unsigned kSeenShift = 9;

  uint32_t id = 0;  // 0 is the first thread to allocate: main
  uint32_t tid = 0;
  uint64_t allocations = 0;
  uint64_t due = 0;             // from this allocation on more than allocating is to be done: the least of the next two
  uint64_t next_guard = 0;      // 0: not known yet
  uint64_t next_look = 0;       // at the size of the heap
  uint32_t without_bytes = 0;   // allocations of no bytes
  std::atomic<QuarantineChunk*> chunk{nullptr};  // filled by this thread alone
  ThreadName* name = nullptr;
  StackBounds bounds;
  SeenBlock seen[kSeen] = {};
  MASU_INLINE SeenBlock& seen_at(uintptr_t p) { return seen[(p >> kSeenShift) % kSeen]; }
  uint64_t serial() const { return uint64_t{id} << Record::kThreadShift | allocations; }  // of the last block it made
  // Whether a checked function met all of these bytes' block, which is as it was.
  MASU_INLINE bool has_seen(uintptr_t p, size_t bytes) {
    return seen_at(p).reaches(p, bytes) && alone.load(std::memory_order_relaxed);  // relaxed: as enter() has it
  }
  // A block is about to end.
  MASU_INLINE void forget(uintptr_t user, size_t size) {
    uintptr_t at = user >> kSeenShift;
    const uintptr_t last = (user + size) >> kSeenShift;
    seen[at % kSeen].size = 0;
    seen[last % kSeen].size = 0;
    if (MASU_LIKELY(last - at < 2)) return;
    for (const uintptr_t end = min_of(last, at + kSeen); ++at < end;) seen[at % kSeen].size = 0;
  }
  std::atomic<bool> alone{true};  // no other thread ever had a state, so nobody else ended a block
  WalkMemo memo;
  StackMemo stacks;
  EventRing events;
  std::atomic<bool> in_use{false};
  ThreadState* next = nullptr;  // of all states, newest first
};

extern thread_local constinit ThreadState* tls_thread MASU_HIDDEN __attribute__((tls_model("initial-exec")));

class Threads {
 public:
  // The calling thread's state; null only where no memory is to be had.
  MASU_INLINE ThreadState* self() {
    ThreadState* t = tls_thread;
    return MASU_LIKELY(t != nullptr) ? t : enter();
  }
  void start();       // constructor time: ends of threads are noticed from now on
  void fork_child();  // only the calling thread is left
  // As kept at the thread's end, or as the kernel has it now; false for a thread long gone.
  bool name_of(uint32_t id, ThreadName& out) const;
  template <class Visit>
  void each(Visit&& visit) const {
    // acquire, pairs with enter(): a state is initialized before it is linked.
    for (ThreadState* t = all_.load(std::memory_order_acquire); t != nullptr; t = t->next) visit(*t);
  }

 private:
  static constexpr uint32_t kNames = 1024;

  MASU_COLD ThreadState* enter();
  static void leave(void* state);

  std::atomic<ThreadState*> all_{nullptr};
  std::atomic<uint32_t> count_{0};
  std::atomic<uint32_t> key_{0};  // + 1
  ThreadName names_[kNames] = {};
};

}  // namespace masu::debug
