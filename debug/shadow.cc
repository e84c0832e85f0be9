#include "debug/shadow.h"

#include <errno.h>
#include <sys/mman.h>

#include "debug/layout.h"

namespace masu::debug {

bool Shadow::place(InnerHeap& heap) {
  heap_ = &heap;
  arena_ = &heap.core().arena;
  map_ = &arena_->map();
  base_ = map_->base();
  bytes_ = arena_->planned() * ArenaT::kSegmentBytes;
  const size_t page = heap.core().os.page_size();
  segments_ = static_cast<std::atomic<Header*>*>(
      heap.core().os.map(align_up(arena_->planned() * sizeof(*segments_), page), page));
  return segments_ != nullptr;
}

// Huge pages would make the sparse zones resident.
Shadow::Header* Shadow::add_shadow(SegmentId s) {
  const int saved = errno;
  void* fresh = heap_->core().os.map(kShadowBytes, kPage);
  if (fresh == nullptr) return nullptr;
  madvise(fresh, kShadowBytes, MADV_NOHUGEPAGE);
  errno = saved;
  Header* none = nullptr;
  // release, pairs with shadow_of(); acquire where another thread was first.
  if (segments_[s].compare_exchange_strong(none, static_cast<Header*>(fresh), std::memory_order_release,
                                           std::memory_order_acquire)) {
    return static_cast<Header*>(fresh);
  }
  heap_->core().os.unmap(fresh, kShadowBytes);
  return none;
}

bool Shadow::cell_of(PageId slab, ClassId c, size_t index, Cell& cell) const {
  const uintptr_t begin = map_->address(slab) + index * C::size(c);
  Record* r = record(shadow_of(ArenaT::segment_of(slab)), begin, c);
  if (r->state.load(std::memory_order_acquire) == State::kNever || r->cls != c) return false;  // acquire: as is_held()
  cell = cell_of_block(r, begin);
  return true;
}

bool Shadow::locate(uintptr_t p, Cell& cell) const {
  if (!covers(p)) return false;
  PageId page = map_->page(p);
  const SegmentId s = ArenaT::segment_of(page);
  if (s >= arena_->ever_used() || shadow_of(s) == nullptr) return false;
  Tag tag = map_->tag(page);
  if (tag == kTagUnmapped) return false;
  if (tag == kTagFree) {  // perhaps inside a run: only its first page is tagged
    const unsigned back = shadow_of(s)->back[page % DebugLane::kSegmentPages];
    page -= back;
    tag = map_->tag(page);
    if (back == 0 || owner_of(tag) == 0 || C::is_packed(class_of(tag)) ||
        back >= C::slab_pages(class_of(tag)))
      return false;
  }
  const ClassId c = class_of(tag);
  const PageId slab = map_->slab_start(page);
  const size_t index = index_in_slab(p - map_->address(slab), c);
  return index < C::slab_blocks(c) && cell_of(slab, c, index, cell);
}

}  // namespace masu::debug
