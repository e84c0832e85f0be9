// Large blocks: a mapping each, outside the arena, known by a table of addresses under one lock. Any thread.
//   Freed ones are kept a while (kept_mappings.h).
// Table: open addressing, linear probing, at most half full; it grows by doubling and never shrinks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "heap/core.h"
#include "heap/kept_mappings.h"
#include "heap/peak.h"

namespace masu {

template <class Lane>
class Large {
  using Sync = typename Lane::Sync;

 public:
  static constexpr size_t kHugePage = 2 * kMiB;
  struct Block {
    uintptr_t address;
    size_t bytes;    // of the mapping: all of it is usable
    uint32_t owner;  // of a private heap, else 0
  };

  // Fresh pages are zero; `zero` is cleared where the block had a life before.
  uintptr_t alloc(Core<Lane>& core, size_t bytes, size_t align, uint32_t owner, bool& zero) {
    const size_t page = core.os.page_size();
    if (bytes > PTRDIFF_MAX - page) return 0;
    bytes = align_up(bytes, page);
    Lock guard(lock_);
    core.stats.count_shared(Event::kLargeLock);
    if (!reserve_entry(core)) return 0;
    if (const auto kept = kept_.take(core, bytes, align); kept.address != 0) {
      core.stats.count_shared(Event::kLargeCacheHit);
      zero = false;
      insert({kept.address, kept.bytes, owner});
      return kept.address;
    }
    core.stats.count_shared(Event::kLargeMap);
    const HugePages mode = core.config.huge_pages;
    const bool huge = mode != HugePages::kOff && bytes >= Lane::kHugeLarge && bytes <= live_bytes_ / 4;
    const uintptr_t p = reinterpret_cast<uintptr_t>(core.os.map(bytes, max_of(align, huge ? kHugePage : page)));
    if (p == 0) return 0;
    if (huge) core.os.huge(reinterpret_cast<void*>(p), bytes);
    insert({p, bytes, owner});
    return p;
  }

  // False where no large block starts at the address.
  bool free(Core<Lane>& core, uintptr_t p) {
    Lock guard(lock_);
    core.stats.count_shared(Event::kLargeLock);
    Block* block = find(p);
    if (block == nullptr) return false;
    const Block gone = *block;
    erase(block);
    live_bytes_ -= gone.bytes;
    now_ms_ = max_of(now_ms_, core.os.now_ms());
    kept_.put(core, {gone.address, gone.bytes, now_ms_}, live_bytes_);
    if (peak_.halved(live_bytes_, Lane::kShrinkLarge) && core.shrank()) peak_.fall(live_bytes_);
    return true;
  }

  // Usable bytes; 0 where no large block starts at the address.
  size_t size(Core<Lane>& core, uintptr_t p) {
    Lock guard(lock_);
    core.stats.count_shared(Event::kLargeLock);
    const Block* block = find(p);
    return block == nullptr ? 0 : block->bytes;
  }

  // The block around an address, live or freed and kept; address 0 where there is none. Walks the table: for
  // reports only.
  Block containing(uintptr_t p, bool& live) {
    Lock guard(lock_);
    live = true;
    for (size_t i = 0; i < capacity_; ++i) {
      if (table_[i].address != 0 && p - table_[i].address < table_[i].bytes) return table_[i];
    }
    live = false;
    const auto kept = kept_.containing(p);
    return {kept.address, kept.bytes, 0};
  }

  // Grows or shrinks in place, by moving page tables, or by a copy; 0 (and the block as it was) where there is no memory.
  uintptr_t resize(Core<Lane>& core, uintptr_t p, size_t bytes) {
    const size_t page = core.os.page_size();
    if (bytes > PTRDIFF_MAX - page) return 0;
    bytes = align_up(bytes, page);
    Block old;
    {
      Lock guard(lock_);
      core.stats.count_shared(Event::kLargeLock);
      Block* block = find(p);
      if (block == nullptr) return 0;
      if (bytes <= block->bytes && bytes >= block->bytes / 4 * 3) return p;
      old = *block;
      if (void* to = core.os.remap(reinterpret_cast<void*>(p), old.bytes, bytes); to != nullptr) {
        live_bytes_ -= old.bytes;
        erase(block);
        insert({reinterpret_cast<uintptr_t>(to), bytes, old.owner});
        return reinterpret_cast<uintptr_t>(to);
      }
    }
    // The system does not move what were neighbours and are one block now.
    bool zero = false;
    const uintptr_t to = alloc(core, bytes, page, old.owner, zero);
    if (to == 0) return 0;
    memcpy(reinterpret_cast<void*>(to), reinterpret_cast<void*>(p), min_of(old.bytes, bytes));
    free(core, p);
    return to;
  }

  // Unmaps what has waited in the cache since before `deadline_ms`.
  void decay(Core<Lane>& core, uint64_t now_ms, uint64_t deadline_ms) {
    if (!lock_.try_lock()) return;
    now_ms_ = max_of(now_ms_, now_ms);  // whoever looked at the clock first may come here last
    kept_.drop(core, deadline_ms);
    lock_.unlock();
  }
  void trim(Core<Lane>& core) {
    Lock guard(lock_);
    kept_.drop(core, UINT64_MAX);
  }

  // Unmaps every block of a private heap.
  void free_owner(Core<Lane>& core, uint32_t owner) {
    Lock guard(lock_);
    for (size_t i = 0; i < capacity_; ++i) {
      while (table_[i].address != 0 && table_[i].owner == owner) {
        const Block gone = table_[i];
        erase(&table_[i]);
        live_bytes_ -= gone.bytes;
        kept_.unmap(core, gone.address, gone.bytes);
      }
    }
  }

  void destroy(Core<Lane>& core) {
    kept_.drop(core, UINT64_MAX);
    for (size_t i = 0; i < capacity_; ++i) {
      if (table_[i].address != 0) kept_.unmap(core, table_[i].address, table_[i].bytes);
    }
    if (table_ != nullptr) core.os.unmap(table_, table_bytes(core, capacity_));
    table_ = nullptr;
    capacity_ = used_ = 0;
  }

  template <class Visit>
  void each(Visit&& visit) {
    Lock guard(lock_);
    for (size_t i = 0; i < capacity_; ++i) {
      if (table_[i].address != 0) visit(table_[i]);
    }
  }

  size_t live_bytes() {
    Lock guard(lock_);
    return live_bytes_;
  }
  size_t cached_bytes() {
    Lock guard(lock_);
    return kept_.bytes();
  }
  size_t blocks() const { return used_; }  // at rest only
  typename Sync::Mutex& lock() { return lock_; }

  // At rest: the sums agree with the table and the cache.
  bool check() {
    Lock guard(lock_);
    size_t n = 0, bytes = 0;
    for (size_t i = 0; i < capacity_; ++i) {
      if (table_[i].address == 0) continue;
      ++n;
      bytes += table_[i].bytes;
      if (find(table_[i].address) != &table_[i]) return false;
    }
    return n == used_ && bytes == live_bytes_ && kept_.check();
  }

 private:
  static size_t table_bytes(Core<Lane>& core, size_t slots) {
    return align_up(slots * sizeof(Block), core.os.page_size());
  }

  // Room for one more entry.
  bool reserve_entry(Core<Lane>& core) {
    if ((used_ + 1) * 2 <= capacity_) return true;
    const size_t wider = capacity_ == 0 ? core.os.page_size() / sizeof(Block) : capacity_ * 2;
    const size_t slots = std::bit_floor(wider);
    auto* table = static_cast<Block*>(core.os.map(table_bytes(core, slots), core.os.page_size()));
    if (table == nullptr) return false;
    Block* old = table_;
    const size_t old_capacity = capacity_;
    table_ = table;
    capacity_ = slots;
    used_ = 0;
    live_bytes_ = 0;
    for (size_t i = 0; i < old_capacity; ++i) {
      if (old[i].address != 0) insert(old[i]);
    }
    if (old != nullptr) core.os.unmap(old, table_bytes(core, old_capacity));
    return true;
  }

  size_t home(uintptr_t p) const { return ((p >> kPageShift) * 0x9E3779B97F4A7C15u >> 20) & (capacity_ - 1); }

  Block* find(uintptr_t p) {
    if (capacity_ == 0) return nullptr;
    for (size_t i = home(p); table_[i].address != 0; i = (i + 1) & (capacity_ - 1)) {
      if (table_[i].address == p) return &table_[i];
    }
    return nullptr;
  }
  void insert(const Block& block) {
    size_t i = home(block.address);
    while (table_[i].address != 0) i = (i + 1) & (capacity_ - 1);
    table_[i] = block;
    ++used_;
    live_bytes_ += block.bytes;
    peak_.rise(live_bytes_);
  }
  // Backward shift: no tombstones.
  void erase(Block* block) {
    size_t hole = static_cast<size_t>(block - table_);
    for (size_t i = (hole + 1) & (capacity_ - 1); table_[i].address != 0; i = (i + 1) & (capacity_ - 1)) {
      const size_t distance = (i - home(table_[i].address)) & (capacity_ - 1);
      if (distance >= ((i - hole) & (capacity_ - 1))) {
        table_[hole] = table_[i];
        hole = i;
      }
    }
    table_[hole].address = 0;
    --used_;
  }

  typename Sync::Mutex lock_{kRankLarge};
  Block* table_ = nullptr;
  size_t capacity_ = 0, used_ = 0, live_bytes_ = 0;
  KeptMappings<Lane> kept_;
  Peak peak_;  // of live bytes
  uint64_t now_ms_ = 0;
};

}  // namespace masu
