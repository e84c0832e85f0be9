// What tests of the debug lane stand on: its heap as a value, beside the program's own malloc, without guards.
#pragma once

#include "debug/heap.h"
#include "debug/report.h"

namespace masu::debug {

inline bool start_inner(InnerHeap& heap) { return heap.ready() || heap.init(HeapConfig{}); }

struct TestHeap {
  InnerHeap inner{start_inner};
  DebugHeap heap{inner};
  Options options;
  TestHeap() {
    options.set(Option::kSymbolize, 0);
    options.set(Option::kGuard, 1);  // off: each test says where it wants guards
    heap.configure(options);
    configure_reports(options);
  }
};

}  // namespace masu::debug
