// Freed blocks wait here before the heap may hand them out again: first in, first out, bounded by bytes.
// A thread fills a chunk of its own and hands it over when it is full; what is then over the limit leaves from
// the other end. One lock, taken per chunk. Who ended a block stands here until it leaves, or until settle().
//   bytes_ = sum over the chunks handed over
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/attributes.h"
#include "base/bits.h"
#include "debug/block.h"
#include "debug/threads.h"
#include "sync/real_sync.h"

namespace masu::debug {

struct QuarantineChunk {
  static constexpr unsigned kBlocks = 169;
  QuarantineChunk* next;
  std::atomic<uint32_t> count;
  size_t bytes;
  struct Entry {
    Record* record;
    uintptr_t begin;  // of the cell
    uint32_t thread, stack;
  } entry[kBlocks];
};
static_assert(sizeof(QuarantineChunk) <= kPage);

class Quarantine {
 public:
  using Entry = QuarantineChunk::Entry;

  constexpr explicit Quarantine(const Threads& threads) : threads_(threads) {}

  // Bytes at most: 0 lets blocks go at once. It grows up to there with the heap, of which it holds a part.
  void set_limit(size_t limit) {
    most_ = limit;
    set_heap_bytes(0);
  }
  void set_heap_bytes(size_t heap) {
    // relaxed: a bound that may be a moment old.
    limit_.store(min_of(most_, max_of(heap / kPartOfHeap, kLeast)), std::memory_order_relaxed);
  }

  // False where the thread's chunk is full, or there is none: next_chunk() comes first.
  MASU_INLINE bool push(ThreadState& t, const Entry& entry, size_t bytes) {
    // relaxed, both: this thread's own.
    QuarantineChunk* chunk = t.chunk.load(std::memory_order_relaxed);
    if (MASU_UNLIKELY(chunk == nullptr || chunk->bytes >= kChunkBytes)) return false;
    const uint32_t n = chunk->count.load(std::memory_order_relaxed);
    if (MASU_UNLIKELY(n == QuarantineChunk::kBlocks)) return false;
    chunk->entry[n] = entry;
    chunk->bytes += bytes;
    chunk->count.store(n + 1, std::memory_order_release);  // release, pairs with settle(): the entry, and the block's poison
    return true;
  }
  // The thread's chunk is handed over; `leave(entry)` for each block whose time is up. Where there is no memory for another
  // chunk, the thread has none then.
  template <class Leave>
  void next_chunk(ThreadState& t, Leave&& leave) {
    // relaxed, all of them: this thread's own; settle() reads it under the lock, which hand_over() takes in between.
    if (QuarantineChunk* full = t.chunk.load(std::memory_order_relaxed); full != nullptr) hand_over(full);
    t.chunk.store(nullptr, std::memory_order_relaxed);
    drain(leave);
    t.chunk.store(empty_chunk(), std::memory_order_release);  // release, pairs with settle(): a chunk without entries
  }
  // Writes a block's end into its record.
  static MASU_INLINE void note(const Entry& entry, State state) {
    const uint32_t thread = entry.thread, stack = entry.stack;  // one word, here and there
    entry.record->free_thread = thread;
    entry.record->free_stack = stack;
    entry.record->state.store(state, std::memory_order_release);  // release, pairs with is_held() and state_of()
  }
  // The same for all blocks that wait here: before records are read.
  MASU_COLD void settle() const;

  FutexMutex& lock() { return lock_; }

 private:
  // What leaves has long left the processor's caches: it is asked for some blocks ahead.
  template <class Leave>
  MASU_INLINE void drain(Leave&& leave) {
    constexpr uint32_t kAhead = 12;
    while (QuarantineChunk* chunk = oldest()) {
      const uint32_t count = chunk->count.load(std::memory_order_relaxed);  // relaxed: it came under the lock
      const Entry* const last = chunk->entry + count - 1;  // nobody hands over an empty chunk
      for (const Entry* entry = chunk->entry; entry <= last; ++entry) {
        const Entry* ahead = min_of(entry + kAhead, last);
        __builtin_prefetch(ahead->record);
        __builtin_prefetch(reinterpret_cast<const char*>(ahead->begin));
        __builtin_prefetch(reinterpret_cast<const char*>(ahead->begin) + 64);
        leave(*entry);
      }
      recycle(chunk);
    }
  }
  MASU_NOINLINE QuarantineChunk* empty_chunk();
  MASU_NOINLINE void hand_over(QuarantineChunk* chunk);
  MASU_NOINLINE QuarantineChunk* oldest();  // null within the limit
  MASU_NOINLINE void recycle(QuarantineChunk* chunk);

  static constexpr size_t kPartOfHeap = 64;
  static constexpr size_t kLeast = 256 * kKiB;
  static constexpr size_t kChunkBytes = 32 * kKiB;

  const Threads& threads_;
  size_t most_ = 0;
  std::atomic<size_t> limit_{0};
  mutable FutexMutex lock_{kRankRegistry};
  QuarantineChunk* head_ = nullptr;
  QuarantineChunk* tail_ = nullptr;
  QuarantineChunk* empty_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace masu::debug
