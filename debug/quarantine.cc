#include "debug/quarantine.h"

#include "os/linux.h"

namespace masu::debug {

QuarantineChunk* Quarantine::empty_chunk() {
  {
    Lock guard(lock_);
    if (QuarantineChunk* chunk = empty_; chunk != nullptr) {
      empty_ = chunk->next;
      chunk->count.store(0, std::memory_order_relaxed);  // relaxed: next_chunk() publishes the chunk
      chunk->bytes = 0;
      return chunk;
    }
  }
  return static_cast<QuarantineChunk*>(LinuxOs{}.map(kPage, kPage));
}

void Quarantine::hand_over(QuarantineChunk* chunk) {
  Lock guard(lock_);
  chunk->next = nullptr;
  (tail_ == nullptr ? head_ : tail_->next) = chunk;
  tail_ = chunk;
  bytes_ += chunk->bytes;
}

QuarantineChunk* Quarantine::oldest() {
  Lock guard(lock_);
  QuarantineChunk* chunk = head_;
  // relaxed: as set_heap_bytes().
  if (chunk == nullptr || bytes_ <= limit_.load(std::memory_order_relaxed)) return nullptr;
  head_ = chunk->next;
  if (head_ == nullptr) tail_ = nullptr;
  bytes_ -= chunk->bytes;
  return chunk;
}

// A report may come from where the lock is held, or while the thread that has it stands still: then it goes without.
void Quarantine::settle() const {
  constexpr unsigned kYields = 100;
  for (unsigned i = 0; !lock_.try_lock(); ++i) {
    if (i == kYields) return;
    linux_yield();
  }
  auto note_all = [](const QuarantineChunk* chunk) {
    // acquire, pairs with push(): what lies below the count is whole.
    for (uint32_t i = 0, n = chunk->count.load(std::memory_order_acquire); i < n; ++i) note(chunk->entry[i], State::kQuarantined);
  };
  for (const QuarantineChunk* chunk = head_; chunk != nullptr; chunk = chunk->next) note_all(chunk);
  threads_.each([&](const ThreadState& t) {
    // acquire, pairs with next_chunk(). What a thread fills now is handed over, and leaves, under the lock only.
    if (const QuarantineChunk* chunk = t.chunk.load(std::memory_order_acquire); chunk != nullptr) note_all(chunk);
  });
  lock_.unlock();
}

void Quarantine::recycle(QuarantineChunk* chunk) {
  Lock guard(lock_);
  chunk->next = empty_;
  empty_ = chunk;
}

}  // namespace masu::debug
