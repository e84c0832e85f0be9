#include "debug/quarantine.h"

#include "os/linux.h"

namespace masu::debug {

QuarantineChunk* Quarantine::empty_chunk() {
  {
    Lock guard(lock_);
    if (QuarantineChunk* chunk = empty_; chunk != nullptr) {
      empty_ = chunk->next;
      chunk->count = 0;
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

void Quarantine::recycle(QuarantineChunk* chunk) {
  Lock guard(lock_);
  chunk->next = empty_;
  empty_ = chunk;
}

}  // namespace masu::debug
