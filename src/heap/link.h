// The link of a block in a chain: the only allocator state inside a block, present from its remote free
// until its owner drains it. Bound to the block's address and the process's key, so that a stale write
// decodes to nonsense; whoever follows it checks the target (see Owner::unlink).
#pragma once

#include <cstdint>

#include "base/attributes.h"

namespace masu {

// Word 0 of a block: the next in the chain. Word 1: the block some steps ahead, only ever prefetched, so that
// a drain does not wait for one cache miss after another. One writer at a time; published by the inbox.
class LinkCodec {
 public:
  constexpr explicit LinkCodec(uint64_t key) : key_(key) {}

  MASU_INLINE void set(uintptr_t block, uintptr_t next) const {
    *reinterpret_cast<uintptr_t*>(block) = next ^ mask(block);
  }
  MASU_INLINE uintptr_t get(uintptr_t block) const { return *reinterpret_cast<uintptr_t*>(block) ^ mask(block); }

  MASU_INLINE void set(uintptr_t block, uintptr_t next, uintptr_t ahead) const {
    const uintptr_t m = mask(block);
    reinterpret_cast<uintptr_t*>(block)[0] = next ^ m;
    reinterpret_cast<uintptr_t*>(block)[1] = ahead ^ m;
  }
  MASU_INLINE void prefetch_ahead(uintptr_t block) const {
    __builtin_prefetch(reinterpret_cast<void*>(reinterpret_cast<uintptr_t*>(block)[1] ^ mask(block)), 1);
  }

  // No trace of the key stays behind in a block that goes back to a cache.
  MASU_INLINE void wipe(uintptr_t block) const {
    reinterpret_cast<uintptr_t*>(block)[0] = 0;
    reinterpret_cast<uintptr_t*>(block)[1] = 0;
  }

 private:
  // One block's mask says little of another's: the product spreads every address bit upwards, the
  // rotation brings them down again.
  MASU_INLINE uint64_t mask(uintptr_t block) const {
    const uint64_t m = (block ^ key_) * 0x9E3779B97F4A7C15u;
    return m ^ (m >> 32) ^ key_;
  }

  uint64_t key_;
};

}  // namespace masu
