// The C++ memory model for scheduled threads: every atomic keeps the stores made to it, and a load may return any
// of them that coherence and happens-before permit; which one, the strategy chooses (0: the newest).
// Modification order and the order of seq_cst operations are the order of execution, and loads see only stores
// already made. So load buffering and 2+2W's odd outcome do not occur; all else of C++20 without fences does.
//   store i is hidden from t  where some j > i has been read or written by u before t's now (happens-before)
// Histories are kept by address, so that atomics keep their size; outside a run of several threads there are none.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fuzz/scheduler.h"

namespace masu::fuzz {

class WeakModel {
 public:
  static constexpr unsigned kThreads = kMaxThreads;
  static constexpr unsigned kHistory = 8;  // stores kept of one atomic

  static WeakModel& get();

  // `memory`: the newest value, which becomes the first store where the address has no history.
  uint64_t load(const void* at, uint64_t memory, std::memory_order order);
  void store(const void* at, uint64_t memory, uint64_t value, std::memory_order order);
  // Returns what was read: always the newest.
  uint64_t exchange(const void* at, uint64_t memory, uint64_t value, std::memory_order order);
  // True where the exchange is made. Else *expected is what was read: perhaps an old value, perhaps (`weak`) the
  // expected one.
  bool compare_exchange(const void* at, uint64_t memory, uint64_t* expected, uint64_t desired, bool weak,
                        std::memory_order success, std::memory_order failure);

  // The memory begins a new life.
  void forget(const void* at, size_t bytes);

  // A hand-over outside the code under test, as a program's own queue would order it.
  void give(unsigned channel);
  void take(unsigned channel);

  // Plain accesses: false where another thread's is not ordered before this one.
  struct Plain {
    uint32_t run = 0;
    uint32_t read[kThreads] = {}, written[kThreads] = {};
  };
  bool access(Plain& plain, bool write);

 private:
  struct Clock {
    uint32_t of[kThreads];
    void join(const Clock& other);
  };
  struct Store {
    uint64_t value;
    Clock release;             // what an acquire load that reads it learns
    uint32_t seen[kThreads];   // when each thread first read or wrote it; 0: never
    bool seq_cst;
  };
  struct Location {
    const void* at;
    uint32_t run;
    uint32_t stores;           // ever; the last kHistory of them are kept
    Store kept[kHistory];
    Store& store(uint32_t i) { return kept[i % kHistory]; }
  };

  WeakModel() = default;
  void start();
  Location& find(const void* at, uint64_t memory);
  uint32_t oldest(Location& location, bool seq_cst);
  uint64_t read(Location& location, uint32_t i, std::memory_order order);
  void append(Location& location, uint64_t value, std::memory_order order, const Clock* sequence);

  static constexpr unsigned kLocations = 1u << 14;
  uint32_t run_ = 0;
  unsigned thread_ = 0;
  static constexpr unsigned kChannels = 64;
  Clock now_[kThreads] = {};
  Clock channel_[kChannels] = {};
  uint32_t used_ = 0;
  uint32_t used_at_[kLocations] = {};
  Location locations_[kLocations] = {};
};

}  // namespace masu::fuzz
