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
  o->had_thread.store(true, std::memory_order_relaxed);  // relaxed: before any block of it is out
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
  // Those that never had a thread are left for private heaps as long as there are others.
  for (uint32_t i = 0, n = owner_count(); i < 2 * n; ++i) {
    OwnerT* o = owner(i % n + 1);
    if (i < n && !o->had_thread.load(std::memory_order_relaxed)) continue;  // relaxed: a preference
    if (o->retired || !o->try_lease(holder)) continue;
    orphans_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: as above
    o->count(Event::kOwnerAdopt, 0);
    o->must_be_whole();
    return o;
  }
  return nullptr;
}

// One that no thread has worked as, and so without blocks, as deleted heaps leave behind: heaps that come and go need no more owners.
template <class Lane>
Owner<Lane>* Allocator<Lane>::lease_empty_orphan() {
  if (orphans_.load(std::memory_order_relaxed) == 0) return nullptr;  // relaxed: as above
  for (uint32_t id = 1, n = owner_count(); id <= n; ++id) {
    OwnerT* o = owner(id);
    if (o->retired || !o->try_lease(OwnerT::kPrivate)) continue;
    if (!o->had_thread.load(std::memory_order_relaxed) && !o->has_incoming()) {  // relaxed: we hold the lease
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
  const uint32_t count = core_.owner_count.load(std::memory_order_relaxed);  // relaxed: only changed under the lock
  if (count == Lane::kMaxOwners) return nullptr;
  const size_t bytes = align_up(sizeof(OwnerT), core_.os.page_size());
  void* memory = map_or_make_room([&] { return core_.os.map(bytes, core_.os.page_size()); });
  if (memory == nullptr) return nullptr;
  OwnerT* o = ::new (memory) OwnerT;
  o->init(core_, count + 1);
  o->try_lease(OwnerT::as_thread());
  o->count(Event::kOwnerCreate, 0);
  // A new owner has seen all pressure there was.
  o->pressure_seen = core_.pressure.load(std::memory_order_relaxed);  // relaxed: one flush too many or few
  core_.owners[count] = o;
  core_.cache_bytes.store(min_of(Lane::kCacheBytes, Lane::kCacheBytesTotal / (count + 1)),
                          std::memory_order_relaxed);  // relaxed: as grow() reads it
  core_.owner_count.store(count + 1, std::memory_order_release);  // release, pairs with owner_count()
  return o;
}

// What belongs to others is sent on its way. The caches stay as they are for the next thread, unless enough owners
// already wait for one: then its memory goes back.
template <class Lane>
void Allocator<Lane>::thread_exit() {
  OwnerT* o = self()->owner;
  set_self(&kExited);
  if (o == nullptr) return;
  {
    Busy busy(*o);
    o->flush_stash();
    if (map().watched() || orphans_.load(std::memory_order_relaxed) >= Lane::kWarmOrphans) o->collect();  // relaxed: a hint
  }
  unbind(o);
}

template <class Lane>
void Allocator<Lane>::flush() {
  if (OwnerT* o = self()->owner; o != nullptr) {
    Busy busy(*o);
    o->collect();
  }
}

// --- fork: the child has one thread, and memory as it was at one instant.

template <class Lane>
void Allocator<Lane>::fork_prepare() {
  registry_.lock();
  large_.lock().lock();
  core_.runs_lock.lock();
  core_.arena.lock().lock();
}

template <class Lane>
void Allocator<Lane>::fork_parent() {
  core_.arena.lock().unlock();
  core_.runs_lock.unlock();
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
  Busy busy(*o);
  Lock guard(o->private_lock);  // whoever takes it to allocate, and all that he hands blocks to, know what it is
  o->become_private();
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
  return block == 0 ? nullptr : hand_out(block);
}

template <class Lane>
void Allocator<Lane>::heap_delete(OwnerT& heap) {
  large_.free_owner(core_, heap.id());
  {
    Busy busy(heap);  // a fork's child never leases what was not wholly deleted, with its lock held
    Lock guard(heap.private_lock);
    heap.inbox().drain();
    Runs<Lane>& runs = heap.slabs().own_runs();
    runs.each(core_, [&](SegmentId s) {
      const PageId first = Arena<Lane>::first_page(s);
      for (PageId page = first; page < first + Lane::kSegmentPages; ++page) map().clear_page(page);
      checks().forget(first, Lane::kSegmentPages);
    });
    runs.release_all(core_, heap.stats());
    heap.init(core_, heap.id());
    heap.is_private.store(false, std::memory_order_relaxed);  // relaxed: no block of it is out any more
  }
  unbind(&heap);
}

}  // namespace masu
