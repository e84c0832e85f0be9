// The last boundary events and frees of a thread: a ring that only the thread writes. Reports read it, and debuggers,
// from a core too (masu_gdb.py).
#pragma once

#include <cstdint>

#include "base/attributes.h"
#include "debug/report_writer.h"
#include "heap/stats.h"

namespace masu::debug {

struct ThreadState;

// Beside the heap's own events: the program freed a block.
constexpr Event kProgramFree = Event::kCount;

class EventRing {
 public:
  static constexpr unsigned kSize = 64;
  struct Entry {
    Event event;
    uint32_t owner;   // 0: none
    uintptr_t what;   // a block, a slab, or a class's bytes
  };

  MASU_INLINE void note(Event event, uint32_t owner, uintptr_t what) { ring_[count_++ % kSize] = {event, owner, what}; }
  // The newest `most` events, oldest first.
  template <class Visit>
  void each(unsigned most, Visit&& visit) const {
    const uint64_t end = count_, held = end < kSize ? end : kSize;
    for (uint64_t i = end - (held < most ? held : most); i < end; ++i) visit(ring_[i % kSize]);
  }

 private:
  uint64_t count_ = 0;
  Entry ring_[kSize] = {};
};

// The heap's owners and each thread's last events, for the report of an internal fault. Others may go on meanwhile.
void write_state(ReportWriter& w);

}  // namespace masu::debug
