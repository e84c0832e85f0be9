// Freed blocks wait here before the heap may hand them out again: first in, first out, bounded by bytes.
// A thread fills a chunk of its own and hands it over when it is full; what is then over the limit leaves from
// the other end. One lock, taken per chunk.
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
  static constexpr unsigned kBlocks = 254;
  QuarantineChunk* next;
  uint32_t count;
  uint32_t spare;
  size_t bytes;
  struct Entry {
    Record* record;
    uintptr_t begin;  // of the cell
  } entry[kBlocks];
};
static_assert(sizeof(QuarantineChunk) <= kPage);

class Quarantine {
 public:
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
  MASU_INLINE bool push(ThreadState& t, const Cell& cell) {
    QuarantineChunk* chunk = t.chunk;
    if (MASU_UNLIKELY(chunk == nullptr || chunk->count == QuarantineChunk::kBlocks || chunk->bytes >= kChunkBytes)) return false;
    chunk->entry[chunk->count++] = {cell.record, cell.begin};
    chunk->bytes += cell.end - cell.begin;
    return true;
  }
  // The thread's chunk is handed over; `leave(entry)` for each block whose time is up. Where there is no memory for another
  // chunk, the thread has none then.
  template <class Leave>
  void next_chunk(ThreadState& t, Leave&& leave) {
    if (t.chunk != nullptr) hand_over(t.chunk);
    t.chunk = nullptr;
    drain(leave);
    t.chunk = empty_chunk();
  }

  FutexMutex& lock() { return lock_; }

 private:
  // What leaves has long left the processor's caches: it is asked for some blocks ahead.
  template <class Leave>
  MASU_INLINE void drain(Leave&& leave) {
    constexpr uint32_t kAhead = 12;
    while (QuarantineChunk* chunk = oldest()) {
      for (uint32_t i = 0; i < chunk->count; ++i) {
        const QuarantineChunk::Entry& ahead = chunk->entry[min_of(i + kAhead, chunk->count - 1)];
        __builtin_prefetch(ahead.record);
        __builtin_prefetch(reinterpret_cast<const char*>(ahead.begin));
        __builtin_prefetch(reinterpret_cast<const char*>(ahead.begin) + 64);
        leave(chunk->entry[i]);
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

  size_t most_ = 0;
  std::atomic<size_t> limit_{0};
  FutexMutex lock_{kRankRegistry};
  QuarantineChunk* head_ = nullptr;
  QuarantineChunk* tail_ = nullptr;
  QuarantineChunk* empty_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace masu::debug
