// Where a block's link lies: in the block, encoded, where it shares its slab with others; in its slab's descriptor
// where it has a run of its own, so that a large block's pages stay untouched and no stale write reaches the link.
// Precondition of all calls: the address is a block's start in the arena and its page is tagged.
#pragma once

#include <cstdint>

#include "base/attributes.h"
#include "heap/link.h"

namespace masu {

template <class Map, class Classes>
class BlockLinks {
 public:
  constexpr explicit BlockLinks(Map& map) : map_(map) {}
  void set_key(uint64_t key) { codec_ = LinkCodec(key); }

  MASU_INLINE void set(uintptr_t block, uintptr_t next) const {
    if (inside(block)) return codec_.set(block, next);
    descriptor(block) = next;
  }
  MASU_INLINE uintptr_t get(uintptr_t block) const { return inside(block) ? codec_.get(block) : descriptor(block); }
  MASU_INLINE void set_ahead(uintptr_t block, uintptr_t ahead) const {
    if (inside(block)) codec_.set_ahead(block, ahead);
  }
  MASU_INLINE void prefetch_ahead(uintptr_t block) const {
    if (inside(block)) codec_.prefetch_ahead(block);
  }
  MASU_INLINE void wipe(uintptr_t block) const {
    if (inside(block)) codec_.wipe(block);
  }

 private:
  MASU_INLINE bool inside(uintptr_t block) const {
    return Classes::is_packed(class_of(map_.tag(map_.page(block))));
  }
  MASU_INLINE uintptr_t& descriptor(uintptr_t block) const { return map_.slab(map_.page(block)).link; }

  Map& map_;
  LinkCodec codec_{0};
};

}  // namespace masu
