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

  // Adds a block; `publish(chain)` takes over a chain that is due. No call that returns in here: whoever inlines it needs
  // no frame.
  template <class Links, class Publish>
  MASU_INLINE void add(Links links, uint32_t owner, uintptr_t block, size_t bytes, Publish publish) {
    Chain& chain = chains_[owner % Lane::kStashSlots];
    if (MASU_UNLIKELY(chain.owner != owner)) return displace(links, owner, block, bytes, publish);
    uintptr_t& recent = chain.recent[chain.blocks % kAhead];
    const uintptr_t next = chain.head, ahead = recent;
    const size_t in_chain = chain.bytes + bytes, in_all = total_ + bytes;
    const uint32_t blocks = chain.blocks + 1;
    if (next == 0) chain.tail = block;
    chain.head = recent = block;
    chain.blocks = blocks;
    chain.bytes = in_chain;
    total_ = in_all;
    links.set(block, next, ahead);
    if (MASU_UNLIKELY(in_all >= Lane::kStashTotal)) return flush_all(publish);
    if (MASU_UNLIKELY(blocks >= Lane::kStashChain || in_chain >= Lane::kStashBytes)) flush(chain, publish);
  }

  template <class Publish>
  MASU_NOINLINE void flush_all(Publish publish) {
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
  // Another owner's chain lies where this one's belongs.
  template <class Links, class Publish>
  MASU_NOINLINE void displace(Links links, uint32_t owner, uintptr_t block, size_t bytes, Publish publish) {
    Chain& chain = chains_[owner % Lane::kStashSlots];
    flush(chain, publish);
    chain.owner = owner;
    add(links, owner, block, bytes, publish);
  }

  template <class Publish>
  MASU_NOINLINE void flush(Chain& chain, Publish publish) {
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
