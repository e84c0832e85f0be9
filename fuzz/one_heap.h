// A small heap in pretended memory, one thread, kept from input to input: for targets that look at one part of it.
#pragma once

#include "fuzz/session.h"

namespace masu::fuzz {

struct OneHeapLane : Under<TightBounds, PlainSync, FaultOs> {
  static void fatal(Fault, const Evidence& e) {
    std::fprintf(stderr, "ERROR: MasuSanitizer: %s at %#zx %s\n", e.where, size_t{e.address}, e.detail);
    std::abort();
  }
};

using OneHeap = Allocator<OneHeapLane>;

// Whoever takes blocks gives them back before the input ends.
inline OneHeap& one_heap() {
  static OneHeap* const heap = [] {
    World::get().reset({});
    auto* fresh = new OneHeap;
    if (!fresh->init({})) std::abort();
    return fresh;
  }();
  return *heap;
}

}  // namespace masu::fuzz
