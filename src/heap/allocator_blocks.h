// Allocator: the slow ends of malloc, free, calloc, realloc and alignment.
#pragma once

#include <cstring>

#include "heap/allocator.h"

namespace masu {

// A block of the class by `attempt(owner)`, again after an escape where there is none.
template <class Lane>
template <class Try>
void* Allocator<Lane>::from_owner(ClassId c, Try&& attempt) {
  bool transient = false;
  OwnerT* o = bind(self(), transient);
  if (o == nullptr) return nullptr;
  uintptr_t block;
  {
    Busy busy(*o);
    boundary(*o);
    block = attempt(*o);
    if (MASU_UNLIKELY(block == 0)) block = escape(*o, [&] { return attempt(*o); });
    if (transient) o->flush_stash();
  }
  void* p = nullptr;
  if (MASU_LIKELY(block != 0)) {
    p = hand_out(block);
  } else {
    Lane::out_of_memory(C::size(c));
  }
  if (transient) unbind(o);
  return p;
}

template <class Lane>
void* Allocator<Lane>::malloc_slow(ClassId c) {
  return from_owner(c, [c](OwnerT& o) { return o.refill(c); });
}

// A run of the class whose address is a multiple of `align_pages` pages, past the bins.
template <class Lane>
void* Allocator<Lane>::run_aligned(ClassId c, unsigned align_pages, bool& zero) {
  return from_owner(c, [&](OwnerT& o) -> uintptr_t {
    o.receive();
    if (align_pages == 1) {
      if (const uintptr_t waiting = o.pop(c); waiting != 0) return waiting;
    }
    const PageId page = o.alloc_run(c, align_pages, zero);
    return page == kNoPage ? 0 : map().address(page);
  });
}

template <class Lane>
void* Allocator<Lane>::malloc_large(size_t bytes, size_t align) {
  if (bytes > PTRDIFF_MAX || !ensure_ready()) return nullptr;
  bool zero = true;
  return reinterpret_cast<void*>(map_or_make_room([&] { return large_.alloc(core_, bytes, align, 0, zero); }));
}

template <class Lane>
void* Allocator<Lane>::calloc(size_t bytes) {
  bool zero = false;
  void* p = nullptr;
  if (bytes > C::kMaxSize) {
    if (bytes > PTRDIFF_MAX || !ensure_ready()) return nullptr;
    zero = true;
    p = reinterpret_cast<void*>(map_or_make_room([&] { return large_.alloc(core_, bytes, kGranule, 0, zero); }));
  } else if (bytes > kPackedMax && *self()->top[C::of_run(bytes)] == 0) {
    p = run_aligned(C::of_run(bytes), 1, zero);  // fresh pages need no clearing
  } else {
    p = malloc(bytes);
  }
  if (p != nullptr && !zero) memset(p, 0, bytes);
  return p;
}

template <class Lane>
void* Allocator<Lane>::aligned(size_t bytes, size_t align) {
  if (align <= kGranule) return malloc(bytes);
  if (bytes <= C::kMaxSize && align <= kPage) {
    const ClassId c = C::of_aligned(bytes, align);
    void* p = take(self(), c);
    return p != nullptr ? p : malloc_slow(c);
  }
  if (bytes <= C::kMaxSize && align <= Lane::kSegmentPages * kPage / 4) {
    bool zero = false;
    return run_aligned(C::of_run(bytes), static_cast<unsigned>(align / kPage), zero);
  }
  if (bytes > PTRDIFF_MAX || align > PTRDIFF_MAX) return nullptr;
  return malloc_large(max_of(bytes, kPage), align);
}

template <class Lane>
void* Allocator<Lane>::realloc(void* p, size_t bytes) {
  if (p == nullptr) return malloc(bytes);
  const uintptr_t block = reinterpret_cast<uintptr_t>(p);
  const size_t granule = map().granule(block);
  const bool in_arena = granule < map().granules() && owner_of(map().tag(Map::page_of_granule(granule))) != 0;
  const size_t old = in_arena ? (map().is_live(granule) ? usable_size(p) : 0) : large_.size(core_, block);
  if (old == 0) {
    fault_free(block, "realloc");
    return nullptr;
  }
  // A block less than half used gives the rest back; anything else that fits stays.
  if (in_arena && bytes <= old && (bytes > old / 2 || old <= 64)) return p;
  if (!in_arena && bytes > C::kMaxSize) {
    return reinterpret_cast<void*>(map_or_make_room([&] { return large_.resize(core_, block, bytes); }));
  }
  void* fresh = malloc(bytes);
  if (fresh == nullptr) return bytes <= old ? p : nullptr;
  memcpy(fresh, p, min_of(old, bytes));
  free(p);
  return fresh;
}

template <class Lane>
void Allocator<Lane>::free_full(uintptr_t block, Cache* cache, ClassId c, Allocator& heap) {
  OwnerT* o = cache->owner;
  heap.core_.links.wipe(block, c);
  Busy busy(*o);
  o->overflow(c, block);
  heap.boundary(*o);  // after: it may give up full slabs, and the block's would seem full while we hold it
}

template <class Lane>
void Allocator<Lane>::fault_free(uintptr_t p, const char* where) {
  Evidence e;
  Fault fault = diagnose_free<Lane>(core_.arena, p, e, where);
  if (fault == Fault::kForeignFree || fault == Fault::kUnmappedFree || fault == Fault::kWildFree) {
    bool live = false;
    if (const auto block = large_.containing(p, live); block.address != 0) {
      // What is kept no longer knows its blocks' ends, only that they began at pages.
      if (live) {
        e.block = block.address;
        e.block_size = block.bytes;
        fault = p % kGranule != 0 ? Fault::kMisalignedFree : Fault::kInteriorFree;
      } else {
        fault = p % kPage == 0 ? Fault::kDoubleFree : Fault::kUnmappedFree;
      }
    }
  }
  core_.fault(fault, e);
}

// Null, large, somebody else's, or nobody's. Every way out is a tail call, so that there is no frame for the commonest: a
// block that shares its slab with others, of another thread's.
template <class Lane>
MASU_INLINE void Allocator<Lane>::free_elsewhere(uintptr_t block) {
  const size_t granule = map().granule(block);
  const Tag tag = granule < map().granules() ? map().home_tag(Map::page_of_granule(granule)) : kTagUnmapped;  // once: it may change hands
  const uint32_t id = owner_of(tag);
  if (MASU_UNLIKELY(id == 0 || !map().is_live(granule))) return free_other(block, id);
  OwnerT* o = self()->owner;
  if (MASU_UNLIKELY(o == nullptr)) return free_unbound(block, tag);
  const ClassId c = class_of(tag);
  if (MASU_UNLIKELY(id == o->id())) return free_watched(block, c);
  if (!C::is_packed(c)) return free_run(o, block, tag);
  if (id == kNobody) return free_of_nobody(o, block, c);
  if (MASU_UNLIKELY(is_private(id))) return send_alone(id, block);
  o->send(id, block, c);
}

// Our own, while the heap is watched.
template <class Lane>
void Allocator<Lane>::free_watched(uintptr_t block, ClassId c) {
  Cache* cache = self();
  OwnerT* o = cache->owner;
  free_own(block, map().granule(block), cache, c);
  const Window<Lane>& window = o->window();
  const bool served = o->window().has_served(c, o->top[c]);
  if (!is_pressed(*o) && (!served || (core_.os.now_ms() < o->next_tick_ms && !window.is_over(core_.config.decay_ms)))) return;
  Busy busy(*o);
  answer_pressure(*o);
  window.is_over(core_.config.decay_ms) ? end_window(*o) : tick(*o);
}

// No live block of the arena's.
template <class Lane>
void Allocator<Lane>::free_other(uintptr_t block, uint32_t id) {
  if (block == 0) return;
  if (id == 0 && large_.free(core_, block)) {  // in the arena's range, too, where that is not ours yet
    if (OwnerT* o = self()->owner; o != nullptr) {
      Busy busy(*o);
      boundary(*o);
    }
    return;
  }
  fault_free(block, "free");
}

// By a thread without an owner: it gets one, but for one past its exit or where there is no memory.
template <class Lane>
void Allocator<Lane>::free_unbound(uintptr_t block, Tag tag) {
  Cache* cache = self();
  bool transient = false;
  if (cache != &kExited && bind(cache, transient) != nullptr) return free(reinterpret_cast<void*>(block));
  if (!C::is_packed(class_of(tag))) return free_run(nullptr, block, tag);
  uint32_t id = owner_of(tag);
  if (id == kNobody) {  // to one that has had a thread, as whoever gave the slab up has
    id = 1;
    while (!owner(id)->had_thread.load(std::memory_order_relaxed)) ++id;  // relaxed: it stays so
  }
  send_alone(id, block);
}

// A run has no neighbours, and a live bit with a word to itself: whoever frees the block may clear it, so that a second
// free is caught wherever it comes from. (Blocks that share words stay live until their owner has them.) Then it changes
// hands instead of waiting for a thread that may be off, but for a private heap's.
template <class Lane>
void Allocator<Lane>::free_run(OwnerT* o, uintptr_t block, Tag tag) {
  if (!map().take_live(map().granule(block))) return fault_free(block, "free");
  const ClassId c = class_of(tag);
  if (is_private(owner_of(tag))) return send_alone(owner_of(tag), block);
  if (o == nullptr) {
    const PageId page = map().page(block);
    map().end_slab(page, 1);
    return core_.free_pages(page, C::slab_pages(c), core_.stats);
  }
  Busy busy(*o);
  boundary(*o);
  o->free_run(block, c);
}

// A block of a slab that its owner gave up.
template <class Lane>
void Allocator<Lane>::free_of_nobody(OwnerT* o, uintptr_t block, ClassId c) {
  Busy busy(*o);
  o->free_of_nobody(block, c);
  boundary(*o);  // after: it may drain the block, freed twice, and the slab may be gone
}

// Straight to the owner's inbox.
template <class Lane>
void Allocator<Lane>::send_alone(uint32_t to, uintptr_t block) {
  if (!checks().begin(block)) return fault_free(block, "free");
  core_.stats.count_shared(Event::kDirectFree);
  core_.links.set(block, 0, 0);
  checks().push(owner(to)->inbox(), block, block);
}

template <class Lane>
size_t Allocator<Lane>::usable_slow(uintptr_t block) {
  if (block == 0) return 0;
  const size_t bytes = large_.size(core_, block);
  if (bytes == 0) fault_free(block, "malloc_usable_size");
  return bytes;
}

}  // namespace masu
