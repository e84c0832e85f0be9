// Holds all other threads of the process still, each in a signal handler on its own stack, where its registers
// lie too. For the leak scan at exit; bounded: a thread that blocks the signal is left running after a moment.
#pragma once

#include <cstddef>
#include <cstdint>

namespace masu::debug {

class StopThreads {
 public:
  static constexpr size_t kMax = 1024;
  StopThreads();
  ~StopThreads();  // lets them go on
  StopThreads(const StopThreads&) = delete;
  StopThreads& operator=(const StopThreads&) = delete;

  size_t count() const;
  struct Thread {
    uintptr_t stack;    // from here up it is in use
    uintptr_t control;  // glibc's control block, behind its static storage
  };
  const Thread& thread(size_t i) const;
};

}  // namespace masu::debug
