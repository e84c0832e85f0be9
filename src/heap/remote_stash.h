// A thread's remote frees on their way: one chain per owner (direct-mapped by owner id), published to the
// owner's inbox by one CAS when it is long, heavy, displaced by another owner, or at a boundary.
// Only the thread itself. Invariant: no chain belongs to the thread's own owner.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/attributes.h"

namespace masu {

template <class Lane>
class RemoteStash {
 public:
  static constexpr unsigned kAhead = 8;  // links that a drain's prefetches run ahead

  struct Chain {
    uintptr_t head, tail;
    uint32_t owner, blocks;
    size_t bytes;
    uintptr_t recent[kAhead];  // the last blocks added, this chain's or the one's before it
  };

  // Adds a block; `publish(chain)` takes over a chain that is due.
  template <class Links, class Publish>
  MASU_INLINE void add(const Links& links, uint32_t owner, uintptr_t block, size_t bytes, Publish&& publish) {
    Chain& chain = chains_[owner % Lane::kStashSlots];
    if (MASU_UNLIKELY(chain.owner != owner)) {
      flush(chain, publish);
      chain.owner = owner;
    }
    if (chain.head == 0) chain.tail = block;
    links.set(block, chain.head);
    uintptr_t& ahead = chain.recent[chain.blocks % kAhead];
    links.set_ahead(block, ahead);
    ahead = block;
    chain.head = block;
    ++chain.blocks;
    chain.bytes += bytes;
    total_ += bytes;
    if (MASU_UNLIKELY(total_ >= Lane::kStashTotal)) return flush_all(publish);
    if (MASU_UNLIKELY(chain.blocks >= Lane::kStashChain || chain.bytes >= Lane::kStashBytes)) flush(chain, publish);
  }

  template <class Publish>
  void flush_all(Publish&& publish) {
    for (Chain& chain : chains_) flush(chain, publish);
  }

  bool empty() const {
    for (const Chain& chain : chains_) {
      if (chain.head != 0) return false;
    }
    return true;
  }

  template <class Visit>
  void each(Visit&& visit) const {
    for (const Chain& chain : chains_) {
      if (chain.head != 0) visit(chain);
    }
  }

 private:
  template <class Publish>
  void flush(Chain& chain, Publish&& publish) {
    if (chain.head == 0) return;
    publish(chain);
    total_ -= chain.bytes;
    chain.head = chain.tail = 0;
    chain.blocks = 0;
    chain.bytes = 0;
  }

  Chain chains_[Lane::kStashSlots] = {};
  size_t total_ = 0;
};

}  // namespace masu
