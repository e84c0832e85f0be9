// Blocks on pages of their own, in an address range of their own: large blocks always, others when guarded.
//   slot = data pages, then one guard page; the page before a slot is another's guard or the range's first.
// A freed slot's data pages are inaccessible until the slot is used again, oldest first, so that a stale access
// faults. Any thread; one lock, taken per allocation and free, never during a lookup.
// Guards are markers in the page tables where the kernel has them (6.13), else protected mappings.
#pragma once

#include <cstddef>
#include <cstdint>

#include "debug/block.h"
#include "debug/lane.h"

namespace masu::debug {

class PagedBlocks {
 public:
  struct Slot {
    Record record;
    uintptr_t data;  // first data page
    uintptr_t user;
    uint32_t pages;  // data pages
    uint32_t next;   // of the same size, freed later; 0: none
  };
  // Where in its pages a block lies: behind a red zone, at their end, or at their very start.
  enum class Side : uint8_t { kLeft, kRight, kStart };

  static constexpr size_t kMaxRange = size_t{1} << 40;
  // A range of `max_range` bytes at most, a power of two; a quarter of what address space the process may have.
  bool place(InnerHeap& heap, size_t max_mappings, size_t max_range = kMaxRange);

  // A slot with readable zero pages; its record is the caller's. Null where there is no room; `optional` ones are
  // refused when guarded blocks hold a quarter of the machine's memory, or too few mappings are left.
  Slot* alloc(size_t bytes, size_t align, Side side, bool optional);
  // All of these bytes of a block will be written at once: their pages come together, not one fault each.
  void fetch(uintptr_t at, size_t bytes) const;
  // The block can be used no more; the slot waits for its turn.
  void free(Slot& slot);

  void range(uintptr_t& base, size_t& bytes) const {
    base = base_;
    bytes = bytes_;
  }
  MASU_INLINE bool covers(uintptr_t p) const { return p - base_ < bytes_; }
  // The slot around or just before an address (its guard page belongs to it); null where there never was one.
  Slot* find(uintptr_t p) const;
  static Cell cell(Slot& slot) {
    return {&slot.record, slot.data, slot.data + slot.pages * kPage, slot.user, slot.record.size(), true};
  }
  bool is_guard(uintptr_t p) const;

  template <class Visit>
  void each(Visit&& visit) const {
    // acquire, pairs with fresh(): the slots below are initialized.
    for (uint32_t i = 1, n = slot_count_.load(std::memory_order_acquire); i <= n; ++i) visit(slots_[i]);
  }

  // Optional slots that were refused.
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }  // relaxed: a count
  // Bytes of pages now open: blocks and the guards' rounding.
  size_t open_bytes() {
    Lock guard(lock_);
    return open_pages_ * kPage;
  }
  bool has_markers() const { return markers_; }
  FutexMutex& lock() { return lock_; }

 private:
  static constexpr unsigned kSizes = 160;
  struct Queue {
    uint32_t head = 0, tail = 0, waiting = 0;
  };

  static unsigned size_index(size_t pages);
  static size_t pages_of(unsigned index);
  Slot* fresh(unsigned index);
  bool open_pages(Slot& slot);
  void close_pages(Slot& slot);
  uint32_t number(const Slot& slot) const { return static_cast<uint32_t>(&slot - slots_); }

  uintptr_t base_ = 0;
  size_t bytes_ = 0;
  bool markers_ = false;
  FutexMutex lock_{kRankLarge};
  size_t bump_ = 0;       // pages used of the range
  size_t writable_ = 0;   // pages made accessible, with markers
  uint32_t max_slots_ = 0;
  size_t mappings_left_ = 0;
  size_t open_pages_ = 0, most_optional_ = 0;
  std::atomic<uint32_t> slot_count_{0};
  Slot* slots_ = nullptr;             // from 1
  std::atomic<uint32_t>* slot_of_page_ = nullptr;
  Queue queues_[kSizes];
  std::atomic<uint64_t> refused_{0};
};

}  // namespace masu::debug
