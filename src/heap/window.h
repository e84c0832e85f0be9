// While the heap is watched: how often a thread mallocs, in windows that end after so many mallocs (allocator_memory.h). Only
// frees are watched; they see by a bin's top that it has served a malloc since the last one.
#pragma once

#include <cstdint>

#include "heap/lane.h"

namespace masu {

template <class Lane>
class Window {
 public:
  // `events`: the owner's boundary events so far, here and below.
  void begin_watch(uint32_t events) {
    for (auto& last : last_) last = UINTPTR_MAX;
    windows_ = 0;
    begin(events);
  }
  // How many windows have gone by.
  unsigned begin(uint32_t events) {
    served_ = 0;
    events_ = events;
    return windows_++;
  }
  bool is_over(uint64_t decay_ms) const { return served_ >= Lane::kWatchedPerMs * decay_ms; }
  bool rarely_at_boundaries(uint32_t events) const { return uint64_t{events - events_} * Lane::kRareBoundaries < served_; }

  // After a free of the class left its bin's end at `top`: whether the bin has served a malloc since the last one.
  bool has_served(ClassId c, const uintptr_t* top) {
    const uintptr_t now = reinterpret_cast<uintptr_t>(top);
    const bool served = now <= last_[c];
    last_[c] = now;
    served_ += served;
    return served;
  }
  // The bin's end moved without a malloc.
  void flushed(ClassId c) { last_[c] = 0; }

 private:
  uint32_t served_;  // mallocs from bins in this window, as far as watched frees show them
  uint32_t events_;  // at its begin
  uint32_t windows_;
  uintptr_t last_[Classes<Lane>::kCount];  // each bin's top at the last of these frees
};

}  // namespace masu
