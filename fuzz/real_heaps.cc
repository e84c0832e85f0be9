#include "fuzz/real_heaps.h"

namespace masu {

thread_local constinit void* tls_self = nullptr;

namespace {

constexpr size_t kQuarantine = 128 * kKiB;  // small, so that blocks leave it within an input or two

bool start_inner(debug::InnerHeap& heap) { return heap.ready() || heap.init(HeapConfig{}); }

struct Debug {
  debug::InnerHeap inner{start_inner};
  debug::DebugHeap heap{inner};
  Debug() {
    Options options;
    options.set(Option::kGuard, 1);   // off
    options.set(Option::kStacks, 0);
    options.set(Option::kQuarantine, kQuarantine);
    heap.configure(options);
  }
};
Debug& the_debug() {
  static Debug* const debug = new Debug;
  return *debug;
}

}  // namespace

namespace debug {

DebugHeap& debug_heap() { return the_debug().heap; }

// In place of report.cc's.
void report(const Finding& f) {
  fuzz::Findings& found = fuzz::findings();
  found.last = f;
  switch (f.kind) {
    case Kind::kOverflow:
    case Kind::kUseAfterFree:
      ++found.damages;
      break;
    case Kind::kDoubleFree:
    case Kind::kBadFree:
    case Kind::kBadUsableSize:
      ++found.bad_pointers;
      break;
    case Kind::kInternal:
      ++found.internal;
      break;
    default:  // absurd arguments
      break;
  }
}

void DebugLane::fatal(Fault fault, const Evidence& e) {
  Finding f;
  f.address = e.address;
  f.call = e.where;
  f.detail = kFaultText[static_cast<size_t>(fault)].kind;
  report(f);
}

}  // namespace debug

namespace fuzz {

Findings& findings() {
  static Findings found{};
  return found;
}

debug::DebugRules debug_rules() { return {the_debug().heap}; }

Rules<ReleaseHeap> release_rules() {
  static ReleaseHeap* const heap = [] {
    auto* fresh = new ReleaseHeap;
    if (!fresh->init({})) std::abort();
    return fresh;
  }();
  return {*heap};
}

}  // namespace fuzz
}  // namespace masu
