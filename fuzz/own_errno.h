// An errno for each scheduled thread: include this before anything that uses errno. Fibres share the real one,
// so that one thread's call would appear to change another's, and the race detector would object.
#pragma once

#include <errno.h>

#include "fuzz/scheduler.h"

namespace masu::fuzz {

inline int& own_errno() {
  static int numbers[kMaxThreads + 1] = {};
  return numbers[Scheduler::get().thread()];
}

}  // namespace masu::fuzz

#undef errno
#define errno (masu::fuzz::own_errno())
