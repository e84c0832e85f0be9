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
  // (limit in bytes): 0 lets blocks go at once.
  void set_limit(size_t limit) {
    limit_ = limit;
    chunk_bytes_ = max_of<size_t>(limit / 64, 1);
  }
  size_t limit() const { return limit_; }

  // `leave(entry)` for each block whose time is up.
  template <class Leave>
  MASU_INLINE void push(ThreadState& t, const Cell& cell, Leave&& leave) {
    QuarantineChunk* chunk = t.chunk;
    if (MASU_UNLIKELY(chunk == nullptr)) {
      chunk = t.chunk = empty_chunk();
      if (chunk == nullptr) return leave({cell.record, cell.begin});
    }
    chunk->entry[chunk->count++] = {cell.record, cell.begin};
    chunk->bytes += cell.end - cell.begin;
    if (MASU_UNLIKELY(chunk->count == QuarantineChunk::kBlocks || chunk->bytes >= chunk_bytes_)) {
      t.chunk = nullptr;
      hand_over(chunk);
      drain(leave);
    }
  }

  FutexMutex& lock() { return lock_; }

 private:
  // What leaves has long left the processor's caches: it is asked for some blocks ahead.
  template <class Leave>
  MASU_NOINLINE void drain(Leave&& leave) {
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

  size_t limit_ = 0, chunk_bytes_ = 1;
  FutexMutex lock_{kRankRegistry};
  QuarantineChunk* head_ = nullptr;
  QuarantineChunk* tail_ = nullptr;
  QuarantineChunk* empty_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace masu::debug
