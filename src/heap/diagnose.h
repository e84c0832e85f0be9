// What is wrong with an address that was given to free: a pure function of the page map and the address.
#pragma once

#include <cstdint>

#include "base/fault.h"
#include "heap/arena.h"

namespace masu {

// Precondition: `p` is no live block's start. Fills the evidence. `p` may lie anywhere.
template <class Lane>
Fault diagnose_free(const Arena<Lane>& arena, uintptr_t p, Evidence& e, const char* where) {
  using C = Classes<Lane>;
  const auto& map = arena.map();
  e.address = p;
  e.where = where;
  if (!map.covers(p)) return Fault::kForeignFree;
  PageId page = map.page(p);
  if (page >= map.granules() / kGranulesPerPage) return Fault::kWildFree;
  Tag tag = map.tag(page);
  if (tag == kTagUnmapped) return Fault::kUnmappedFree;
  if (tag == kTagFree) {
    // Inner pages of a single-block run carry no tag: look for the run's head.
    const PageId first = Arena<Lane>::first_page(Arena<Lane>::segment_of(page));
    PageId head = page;
    while (head > first && owner_of(map.tag(head)) == 0) --head;
    tag = map.tag(head);
    if (owner_of(tag) == 0 || page - head >= C::slab_pages(class_of(tag))) {
      // What the pages were last says whether a block began here.
      const PageId start = map.slab_start(page);
      const Slab& last = map.slab(start);
      const bool began = last.gone() && page - start < C::slab_pages(last.cls) && (p - map.address(start)) % C::size(last.cls) == 0;
      return began ? Fault::kDoubleFree : Fault::kWildFree;
    }
    page = head;
  }
  const ClassId c = class_of(tag);
  const uintptr_t slab = map.address(map.slab_start(page));
  const size_t index = (p - slab) / C::size(c);
  e.block = slab + index * C::size(c);
  e.block_size = C::size(c);
  if (index >= C::slab_blocks(c)) return Fault::kWildFree;
  if (e.block == p) return Fault::kDoubleFree;
  if (!map.is_live(map.granule(e.block))) return Fault::kWildFree;
  return p % kGranule != 0 ? Fault::kMisalignedFree : Fault::kInteriorFree;
}

}  // namespace masu
