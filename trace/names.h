// Which number a name (an address of the recorded process) stands for now. A hash table that grows, in mapped memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trace/mapped.h"

namespace masu::trace {

class Names {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t find(uint64_t name) const {
    for (size_t i = home(name);; i = (i + 1) & mask()) {
      if (entries_[i].number == kNone) return kNone;
      if (entries_[i].name == name) return entries_[i].number;
    }
  }

  void insert(uint64_t name, uint32_t number) {
    if (2 * ++used_ > entries_.count) grow();
    place(name, number);
  }

  // The name is there.
  void erase(uint64_t name) {
    size_t hole = home(name);
    while (entries_[hole].name != name) hole = (hole + 1) & mask();
    --used_;
    for (size_t i = (hole + 1) & mask(); entries_[i].number != kNone; i = (i + 1) & mask()) {
      const size_t distance = (i - home(entries_[i].name)) & mask();
      if (distance < ((i - hole) & mask())) continue;  // its home lies behind the hole
      entries_[hole] = entries_[i];
      hole = i;
    }
    entries_[hole].number = kNone;
  }

 private:
  struct Entry {
    uint64_t name;
    uint32_t number;
  };
  size_t mask() const { return entries_.count - 1; }
  size_t home(uint64_t name) const { return (name * 0x9E3779B97F4A7C15u >> 20) & mask(); }

  void place(uint64_t name, uint32_t number) {
    size_t i = home(name);
    while (entries_[i].number != kNone) i = (i + 1) & mask();
    entries_[i] = {name, number};
  }

  void grow() {
    Mapped<Entry> old = empty(2 * entries_.count);
    swap(old, entries_);
    for (size_t i = 0; i < old.count; ++i) {
      if (old[i].number != kNone) place(old[i].name, old[i].number);
    }
  }

  static Mapped<Entry> empty(size_t count) {
    Mapped<Entry> entries(count);
    for (size_t i = 0; i < count; ++i) entries[i].number = kNone;
    return entries;
  }
  Mapped<Entry> entries_ = empty(1024);
  size_t used_ = 0;
};

}  // namespace masu::trace
