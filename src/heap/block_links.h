// Where a block's link lies: in the block, encoded, where it shares its slab with others; in its slab's descriptor
// where it has a run of its own, so that a large block's pages stay untouched and no stale write reaches the link.
// Precondition of all calls: the address is a block's start in the arena and its page is tagged.
#pragma once

#include <cstdint>

#include "base/attributes.h"
#include "heap/link.h"
#include "heap/page_map.h"

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
  MASU_INLINE void set(uintptr_t block, uintptr_t next, uintptr_t ahead) const {
    if (inside(block)) return codec_.set(block, next, ahead);
    descriptor(block) = next;
  }
  MASU_INLINE uintptr_t get(uintptr_t block) const { return get(block, class_at(block)); }

  // For who knows the block's class.
  MASU_INLINE uintptr_t get(uintptr_t block, ClassId c) const {
    return Classes::is_packed(c) ? codec_.get(block) : descriptor(block);
  }
  MASU_INLINE void prefetch_ahead(uintptr_t block, ClassId c) const {
    if (Classes::is_packed(c)) codec_.prefetch_ahead(block);
  }
  MASU_INLINE void wipe(uintptr_t block, ClassId c) const {
    if (Classes::is_packed(c)) codec_.wipe(block);
  }
  // The links of blocks that share their slabs.
  MASU_INLINE LinkCodec inside() const { return codec_; }

 private:
  MASU_INLINE ClassId class_at(uintptr_t block) const { return class_of(map_.tag(map_.page(block))); }
  MASU_INLINE bool inside(uintptr_t block) const { return Classes::is_packed(class_at(block)); }
  MASU_INLINE uintptr_t& descriptor(uintptr_t block) const { return map_.slab(map_.page(block)).link; }

  Map& map_;
  LinkCodec codec_{0};
};

}  // namespace masu
