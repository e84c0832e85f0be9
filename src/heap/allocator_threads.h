// Allocator: owners and threads. Binding, exit, adoption, fork, private heaps.
#pragma once

#include <new>

#include "heap/allocator.h"

namespace masu {

template <class Lane>
Owner<Lane>* Allocator<Lane>::bind(Cache* cache, bool& transient) {
  if (cache->owner != nullptr) return cache->owner;
  if (!ensure_ready()) return nullptr;
  OwnerT* o = lease_orphan();
  if (o == nullptr) o = create_owner();
  if (o == nullptr) return nullptr;
  if (cache == &kExited) {
    transient = true;
    return o;
  }
  set_self(o);
  if (exit_hook_ != nullptr) Sync::arm_exit(exit_hook_, exit_argument_);
  return o;
}

template <class Lane>
void Allocator<Lane>::unbind(OwnerT* o) {
  o->count(Event::kOwnerOrphan, 0);
  o->end_lease();
  orphans_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a hint
}

template <class Lane>
Owner<Lane>* Allocator<Lane>::lease_orphan() {
  if (orphans_.load(std::memory_order_relaxed) == 0) return nullptr;  // relaxed: missing one costs a new owner
  const uint64_t holder = OwnerT::as_thread();
  for (uint32_t id = 1, n = owner_count(); id <= n; ++id) {
    OwnerT* o = owner(id);
    if (o->retired || !o->try_lease(holder)) continue;
    orphans_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: as above
    o->count(Event::kOwnerAdopt, 0);
    o->must_be_whole();
    return o;
  }
  return nullptr;
}

// One without runs and so without blocks, as deleted heaps leave behind: heaps that come and go need no more owners.
template <class Lane>
Owner<Lane>* Allocator<Lane>::lease_empty_orphan() {
  if (orphans_.load(std::memory_order_relaxed) == 0) return nullptr;  // relaxed: as above
  for (uint32_t id = 1, n = owner_count(); id <= n; ++id) {
    OwnerT* o = owner(id);
    if (o->retired || !o->try_lease(OwnerT::kPrivate)) continue;
    if (o->runs().empty() && !o->has_incoming()) {
      orphans_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: as above
      o->count(Event::kOwnerAdopt, 0);
      return o;
    }
    o->end_lease();
  }
  return nullptr;
}

template <class Lane>
Owner<Lane>* Allocator<Lane>::create_owner() {
  Lock guard(registry_);
  const uint32_t count = owner_count_.load(std::memory_order_relaxed);  // relaxed: only changed under the lock
  if (count == Lane::kMaxOwners) return nullptr;
  const size_t bytes = align_up(sizeof(OwnerT), core_.os.page_size());
  void* memory = map_or_make_room([&] { return core_.os.map(bytes, core_.os.page_size()); });
  if (memory == nullptr) return nullptr;
  OwnerT* o = ::new (memory) OwnerT;
  o->init(core_, count + 1);
  o->try_lease(OwnerT::as_thread());
  o->count(Event::kOwnerCreate, 0);
  // A new owner has seen all pressure there was.
  o->pressure_seen = pressure_.load(std::memory_order_relaxed);  // relaxed: one flush too many or few
  owners_[count] = o;
  core_.cache_bytes.store(min_of(Lane::kCacheBytes, Lane::kCacheBytesTotal / (count + 1)),
                          std::memory_order_relaxed);  // relaxed: as grow() reads it
  owner_count_.store(count + 1, std::memory_order_release);  // release, pairs with owner_count()
  return o;
}

// What belongs to others is sent on its way. The caches stay as they are for the next thread, unless enough owners
// already wait for one: then its memory goes back.
template <class Lane>
void Allocator<Lane>::thread_exit() {
  OwnerT* o = self()->owner;
  set_self(&kExited);
  if (o == nullptr) return;
  flush_stash(*o);
  if (orphans_.load(std::memory_order_relaxed) >= Lane::kWarmOrphans) {  // relaxed: a hint
    o->enter();
    o->collect();
    o->runs().purge(UINT64_MAX);
    o->leave();
  }
  unbind(o);
}

template <class Lane>
void Allocator<Lane>::publish(Stats<Sync>& stats, const typename RemoteStash<Lane>::Chain& chain) {
  stats.count(Event::kStashPush);
  stats.count(Event::kStashBlocks, chain.blocks);
  if (OwnerT* mine = self()->owner; mine != nullptr && mine->id() == chain.owner) stats.count(Event::kStashOwn);
  // The tail's link is the one that is written later than its free: not into a block that was freed twice, and whose
  // slab may be gone or which may be out again.
  const Tag tag = map().tag(map().page(chain.tail));
  if (MASU_UNLIKELY(owner_of(tag) != chain.owner || map().is_live(map().granule(chain.tail)) != C::is_packed(class_of(tag)) ||
                    core_.links.get(chain.tail) != 0)) {
    return core_.fault_link(chain.tail, "flush");
  }
  if constexpr (Lane::kChecked) {
    const OwnerT* mine = self()->owner;
    if (!checks().batch(chain, mine == nullptr ? 0 : mine->id(), owner_count())) return;
  }
  Lane::note(Event::kStashPush, chain.owner, chain.head);
  checks().push(owner(chain.owner)->inbox(), chain.head, chain.tail);
}

template <class Lane>
void Allocator<Lane>::flush_stash(OwnerT& o) {
  o.stash().flush_all([&](const auto& chain) { publish(o.stats(), chain); });
}

template <class Lane>
void Allocator<Lane>::flush() {
  if (OwnerT* o = self()->owner; o != nullptr) {
    o->enter();
    settle(*o);
    o->leave();
  }
}

// --- fork: the child has one thread, and memory as it was at one instant.

template <class Lane>
void Allocator<Lane>::fork_prepare() {
  registry_.lock();
  large_.lock().lock();
  core_.arena.lock().lock();
}

template <class Lane>
void Allocator<Lane>::fork_parent() {
  core_.arena.lock().unlock();
  large_.lock().unlock();
  registry_.unlock();
}

// Every owner but our own lost its thread. One that was at rest is an orphan now; one that was busy is torn
// and never touched again. A stash may have been published already, so it is dropped: a leak in the child.
template <class Lane>
void Allocator<Lane>::fork_child() {
  fork_parent();
  OwnerT* mine = self()->owner;
  uint32_t orphans = 0;
  for (uint32_t id = 1, n = owner_count(); id <= n; ++id) {
    OwnerT* o = owner(id);
    if (o == mine || o->is_private.load(std::memory_order_relaxed)) continue;  // relaxed: the only thread
    if (o->holder() != 0) {
      if (o->busy()) {
        o->retired = true;
        continue;
      }
      o->stash() = {};
      o->end_lease();
    }
    ++orphans;
  }
  orphans_.store(orphans, std::memory_order_relaxed);  // relaxed: the only thread
}

// --- private heaps

template <class Lane>
Owner<Lane>* Allocator<Lane>::heap_new() {
  if (!ensure_ready()) return nullptr;
  OwnerT* o = lease_empty_orphan();
  if (o == nullptr) o = create_owner();
  if (o == nullptr) return nullptr;
  o->become_private();
  o->runs().own_only = true;
  return o;
}

template <class Lane>
void* Allocator<Lane>::heap_malloc(OwnerT& heap, size_t bytes, size_t align) {
  Lock guard(heap.private_lock);
  uintptr_t block = 0;
  bool zero = false;
  ClassId c = 0;
  if (bytes <= C::kMaxSize && align <= kPage) {
    c = C::of_aligned(bytes, align);
    block = heap.pop(c);
    if (block == 0) block = heap.refill(c);
  } else if (bytes <= C::kMaxSize && align <= Lane::kSegmentPages * kPage / 4) {
    heap.receive();
    c = C::of_run(bytes);
    const PageId page = heap.alloc_run(c, static_cast<unsigned>(align / kPage), zero);
    block = page == kNoPage ? 0 : map().address(page);
  } else if (bytes <= PTRDIFF_MAX && align <= PTRDIFF_MAX) {
    return reinterpret_cast<void*>(
        map_or_make_room([&] { return large_.alloc(core_, max_of(bytes, kPage), align, heap.id(), zero); }));
  }
  uintptr_t spare;
  return block == 0 ? nullptr : hand_out(block, c, &spare);
}

template <class Lane>
void Allocator<Lane>::heap_delete(OwnerT& heap) {
  large_.free_owner(core_, heap.id());
  {
    Lock guard(heap.private_lock);
    heap.inbox().drain();
    heap.runs().each([&](SegmentId s) {
      const PageId first = Arena<Lane>::first_page(s);
      for (PageId page = first; page < first + Lane::kSegmentPages; ++page) map().clear_page(page);
      checks().forget(first, Lane::kSegmentPages);
    });
    heap.runs().release_all();
    heap.init(core_, heap.id());
    heap.runs().own_only = false;
    heap.is_private.store(false, std::memory_order_relaxed);  // relaxed: no block of it is out any more
  }
  unbind(&heap);
}

}  // namespace masu
