// For a test program of one file, with one heap for all its tests: what the library defines once.
#pragma once

#include "debug/test_heap.h"

namespace masu {

thread_local constinit void* tls_self = nullptr;

namespace debug {

inline TestHeap& fixed() {
  static TestHeap f;
  return f;
}
inline DebugHeap& heap() { return fixed().heap; }
DebugHeap& debug_heap() { return heap(); }

}  // namespace debug
}  // namespace masu
