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
#include "debug/threads.h"
#include "sync/real_sync.h"

namespace masu::debug {

struct QuarantineChunk {
  static constexpr unsigned kBlocks = 509;
  QuarantineChunk* next;
  uint32_t count;
  uint32_t spare;
  size_t bytes;
  uintptr_t block[kBlocks];  // the program's address
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

  // `leave(address)` for each block whose time is up.
  template <class Leave>
  MASU_INLINE void push(ThreadState& t, uintptr_t block, size_t bytes, Leave&& leave) {
    QuarantineChunk* chunk = t.chunk;
    if (MASU_UNLIKELY(chunk == nullptr)) {
      chunk = t.chunk = empty_chunk();
      if (chunk == nullptr) return leave(block);
    }
    chunk->block[chunk->count++] = block;
    chunk->bytes += bytes;
    if (MASU_UNLIKELY(chunk->count == QuarantineChunk::kBlocks || chunk->bytes >= chunk_bytes_)) {
      t.chunk = nullptr;
      hand_over(chunk);
      drain(leave);
    }
  }

  FutexMutex& lock() { return lock_; }

 private:
  template <class Leave>
  void drain(Leave&& leave) {
    while (QuarantineChunk* chunk = oldest()) {
      for (uint32_t i = 0; i < chunk->count; ++i) leave(chunk->block[i]);
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
