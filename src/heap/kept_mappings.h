// Freed large mappings on their way back to the system, kept within a bound until they decay: their
// pages are there, and a page fault costs more than anything else a large block does. Under Large's lock.
//   Neighbours are one extent; a request takes its part of the extent it fits best, or the largest one, made longer.
//   Extents lie in the order of their release, the oldest first, and never touch.
#pragma once

#include <cstddef>
#include <cstdint>

#include "heap/core.h"

namespace masu {

template <class Lane>
class KeptMappings {
 public:
  struct Extent {
    uintptr_t address = 0;
    size_t bytes = 0;
    uint64_t freed_ms = 0;
    uintptr_t end() const { return address + bytes; }
  };

  // Takes the mapping over; what is above the bound goes back to the system, the oldest first.
  void put(Core<Lane>& core, Extent e, size_t live_bytes) {
    const size_t most = bound(core, live_bytes);
    for (unsigned i = 0; i < count_;) {
      const Extent& other = extents_[i];
      if (other.end() != e.address && e.end() != other.address) {
        ++i;
        continue;
      }
      e.address = min_of(e.address, other.address);
      e.bytes += other.bytes;
      remove(i);
    }
    if (e.bytes > most) {
      unmap(core, e.address + most, e.bytes - most);
      e.bytes = most;
    }
    if (e.bytes == 0) return;
    while (count_ > 0 && (count_ == Lane::kMaxLargeCached || bytes_ + e.bytes > most)) drop_oldest(core);
    extents_[count_++] = e;
    bytes_ += e.bytes;
  }

  // At least `bytes` (whole pages) at a multiple of `align`; address 0 where nothing kept serves.
  Extent take(Core<Lane>& core, size_t bytes, size_t align) {
    unsigned best = count_, longest = count_;
    for (unsigned i = 0; i < count_; ++i) {
      const Extent& e = extents_[i];
      if ((e.address & (align - 1)) != 0) continue;
      if (longest == count_ || e.bytes > extents_[longest].bytes) longest = i;
      if (e.bytes >= bytes && (best == count_ || e.bytes < extents_[best].bytes)) best = i;
    }
    if (best != count_) return cut(best, bytes);
    // Moving page tables is cheap beside filling them, as long as there are some to move.
    if (longest == count_ || align > core.os.page_size() || extents_[longest].bytes < bytes / 4) return {};
    Extent grown = extents_[longest];
    grown.address = reinterpret_cast<uintptr_t>(core.os.remap(reinterpret_cast<void*>(grown.address), grown.bytes, bytes));
    if (grown.address == 0) return {};  // no memory, or neighbours that were mapped apart
    remove(longest);
    grown.bytes = bytes;
    return grown;
  }

  void drop(Core<Lane>& core, uint64_t deadline_ms) {
    while (count_ > 0 && extents_[0].freed_ms <= deadline_ms) drop_oldest(core);
  }

  Extent containing(uintptr_t p) const {
    for (unsigned i = 0; i < count_; ++i) {
      if (p - extents_[i].address < extents_[i].bytes) return extents_[i];
    }
    return {};
  }

  void unmap(Core<Lane>& core, uintptr_t p, size_t bytes) {
    core.stats.count_shared(Event::kLargeUnmap);
    core.os.unmap(reinterpret_cast<void*>(p), bytes);
  }

  size_t bytes() const { return bytes_; }

  bool check() const {
    size_t sum = 0;
    for (unsigned i = 0; i < count_; ++i) {
      sum += extents_[i].bytes;
      if (i > 0 && extents_[i].freed_ms < extents_[i - 1].freed_ms) return false;
      for (unsigned j = 0; j < i; ++j) {
        if (extents_[i].address <= extents_[j].end() && extents_[j].address <= extents_[i].end()) return false;
      }
    }
    return sum == bytes_;
  }

 private:
  // Blocks of many megabytes that come and go live on what others leave: joined and split, twice what lives serves
  // nearly every request, and less has the kernel zero the same pages again and again.
  static size_t bound(Core<Lane>& core, size_t live_bytes) {
    const size_t most = core.config.large_cache;
    return most == 0 ? 0 : align_down(max_of(most, min_of(2 * live_bytes, core.config.large_most)), core.os.page_size());
  }

  // A rest of less is not worth an extent and stays with the block.
  static constexpr size_t kLeastRest = 64 * kKiB;

  Extent cut(unsigned i, size_t bytes) {
    Extent& from = extents_[i];
    Extent taken = from;
    if (from.bytes - bytes < kLeastRest) {
      remove(i);
      return taken;
    }
    taken.bytes = bytes;
    from.address += bytes;
    from.bytes -= bytes;
    bytes_ -= bytes;
    return taken;
  }
  void remove(unsigned i) {
    bytes_ -= extents_[i].bytes;
    --count_;
    for (; i < count_; ++i) extents_[i] = extents_[i + 1];
  }
  void drop_oldest(Core<Lane>& core) {
    const Extent gone = extents_[0];
    remove(0);
    unmap(core, gone.address, gone.bytes);
  }

  Extent extents_[Lane::kMaxLargeCached] = {};
  unsigned count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace masu
