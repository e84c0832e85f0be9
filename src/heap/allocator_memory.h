// Allocator: start and end, decay, the escape order when memory runs out, and the census.
#pragma once

#include "heap/allocator.h"

namespace masu {

template <class Lane>
bool Allocator<Lane>::init(const HeapConfig& config, void (*exit_hook)(void*), void* exit_argument) {
  static_assert(LaneType<Lane>);
  // The tag's owner field holds every owner and the two patterns that no owner has.
  static_assert(Lane::kMaxOwners < kNobody);
  static_assert(C::kCount < (1u << kClassBits));
  core_.config = config;
  core_.links.set_key(core_.os.random() | 1);
  exit_hook_ = exit_hook;
  exit_argument_ = exit_argument;
  if (!core_.arena.init(core_.os, config.arena_limit)) return false;
  core_.now_ms.store(core_.os.now_ms(), std::memory_order_relaxed);  // relaxed: nobody else is here
  slot_ = Sync::attach();
  ready_.store(true, std::memory_order_release);  // release, pairs with ready()
  return true;
}

template <class Lane>
void Allocator<Lane>::destroy() {
  if (!ready()) return;
  for (uint32_t id = 1, n = owner_count(); id <= n; ++id) {
    core_.os.unmap(owner(id), align_up(sizeof(OwnerT), core_.os.page_size()));
  }
  core_.owner_count.store(0, std::memory_order_relaxed);  // relaxed: nobody else is here
  orphans_.store(0, std::memory_order_relaxed);
  large_.destroy(core_);
  core_.arena.destroy(core_.os);
  Sync::detach(slot_);
  ready_.store(false, std::memory_order_relaxed);
}

// At every refill and flush, while no block is in hand: answers pressure, looks at the clock now and then, or always where the
// heap is watched.
template <class Lane>
void Allocator<Lane>::boundary(OwnerT& o) {
  answer_pressure(o);
  if (MASU_UNLIKELY(o.tick_due() || map().watched())) tick(o);
}

template <class Lane>
MASU_INLINE void Allocator<Lane>::answer_pressure(OwnerT& o) {
  if (MASU_LIKELY(!is_pressed(o))) return;
  o.pressure_seen = core_.pressure.load(std::memory_order_relaxed);  // relaxed: as is_pressed()
  o.collect();
  o.window().begin_watch(o.events());
}

// A heap that shrank is watched (Core::shrank) until all that is free has gone back, a decay period later. Watched frees cost time: a
// thread that mallocs so often that its window ends before either goes on without, where it looks at the clock often enough by
// itself, or will never want what is free, and purges it. Frees alone count for nothing.
template <class Lane>
void Allocator<Lane>::end_window(OwnerT& o) {
  if (o.window().rarely_at_boundaries(o.events())) return end_watch(o);
  if (o.window().begin(o.events()) > 1) core_.arena.set_watched(false);  // the first one fills the bins again; tick() resumes
}

template <class Lane>
void Allocator<Lane>::end_watch(OwnerT& o) {
  o.collect();
  collect_orphans(true);
  purge(true);
  core_.watch(false);
}

template <class Lane>
void Allocator<Lane>::tick(OwnerT& o) {
  const uint64_t now = core_.os.now_ms();
  core_.now_ms.store(now, std::memory_order_relaxed);  // relaxed: a clock
  if (now < o.next_tick_ms) return;
  const uint64_t decay = core_.config.decay_ms;
  const bool idle = o.next_tick_ms != 0 && now >= o.next_tick_ms + decay;
  o.next_tick_ms = now + max_of<uint64_t>(decay / 4, 10);
  if (core_.is_shrunk.load(std::memory_order_relaxed)) {  // relaxed: hints
    if (now >= core_.shrank_ms.load(std::memory_order_relaxed) + decay) return end_watch(o);
    if (!map().watched()) {
      o.window().begin_watch(o.events());
      core_.arena.set_watched(true);
    }
  }
  o.decay_bins(idle);
  o.flush_stash();
  const uint64_t deadline = now > decay ? now - decay : 0;
  purge_runs(deadline, o.stats());
  core_.arena.decay(core_.os, deadline, o.stats());
  large_.decay(core_, now, deadline);
  collect_orphans(false);
}

template <class Lane>
void Allocator<Lane>::purge_runs(uint64_t deadline_ms, Stats<Sync>& stats) {
  if (!core_.runs_lock.try_lock()) return;  // someone is at it; the next tick will do
  core_.runs.purge(core_, deadline_ms, stats, core_.runs_lock);
  core_.runs_lock.unlock();
}

// One orphan a tick is led back to its slabs, so that a burst of threads does not hold memory for ever; `all` of them in a
// heap that shrank.
template <class Lane>
void Allocator<Lane>::collect_orphans(bool all) {
  if (orphans_.load(std::memory_order_relaxed) == 0) return;  // relaxed: a hint
  const uint32_t n = owner_count();
  const uint32_t start = collect_next_.fetch_add(1, std::memory_order_relaxed);  // relaxed: only spreads the work
  for (uint32_t i = 0; i < n; ++i) {
    if (collect_idle(*owner((start + i) % n + 1)) && !all) return;
  }
}

// What an owner without a thread holds goes back to where it came from. False where somebody works as it.
template <class Lane>
bool Allocator<Lane>::collect_idle(OwnerT& o) {
  if (o.retired || !o.try_lease(OwnerT::as_collector())) return false;
  {
    Busy busy(o);
    o.collect();
    o.count(Event::kOwnerCollect, 0);
  }
  o.end_lease();
  return true;
}

// No memory for `attempt`: (1) our own caches, stash, spill and inbox; (2)(3) follow from it, slabs to
// segments to arena; then those of every owner that can be leased; then a call to all others, answered at
// their next boundary. Each step is followed by a retry, and all are repeated while anything comes back.
template <class Lane>
template <class Try>
auto Allocator<Lane>::escape(OwnerT& o, Try&& attempt) -> decltype(attempt()) {
  Stats<Sync>& stats = o.stats();
  stats.count(Event::kEscape);
  auto retry = [&](Event step) {
    stats.count(step);
    auto got = attempt();
    if (got) stats.count(Event::kEscapeSaved);
    return got;
  };
  // Where the last escape found nothing and nothing has come back since, waiting again is of no use.
  const bool hope = core_.freed_since() || stats.get(Event::kOutOfMemory) == 0;
  uint32_t least = core_.arena.in_use();
  for (unsigned idle = 0; idle < Lane::kEscapeRounds; ++idle) {
    o.collect();
    if (auto got = retry(Event::kEscapeFlush)) return got;
    bool others = false;
    for (uint32_t id = 1, n = owner_count(); id <= n; ++id) {
      if (owner(id) == &o || owner(id)->retired || collect_idle(*owner(id))) continue;
      others = others || !owner(id)->is_private.load(std::memory_order_relaxed);  // relaxed: only decides whether to wait
    }
    large_.trim(core_);
    if (auto got = retry(Event::kEscapeCollect)) return got;
    if (!others || !hope) break;
    o.pressure_seen = core_.press();
    Sync::yield();
    if (auto got = retry(Event::kEscapeWait)) return got;
    if (core_.arena.in_use() < least) {
      least = core_.arena.in_use();
      idle = 0;
    }
  }
  stats.count(Event::kOutOfMemory);
  return decltype(attempt()){};
}

// A mapping that fails is tried again with what we keep given back.
template <class Lane>
template <class Try>
auto Allocator<Lane>::map_or_make_room(Try&& map) -> decltype(map()) {
  auto mapped = map();
  if (MASU_LIKELY(mapped != 0)) return mapped;
  make_room();
  return map();
}

template <class Lane>
void Allocator<Lane>::make_room() {
  large_.trim(core_);
  core_.arena.trim(core_.os, core_.stats);
  core_.arena.obey_limit(core_.os);
}

template <class Lane>
void Allocator<Lane>::purge(bool force) {
  if (!ready()) return;
  const uint64_t now = core_.os.now_ms();
  const uint64_t deadline = force ? UINT64_MAX : now > core_.config.decay_ms ? now - core_.config.decay_ms : 0;
  core_.now_ms.store(now, std::memory_order_relaxed);  // relaxed: a clock
  OwnerT* o = self()->owner;
  Stats<Sync>& stats = o != nullptr ? o->stats() : core_.stats;
  purge_runs(deadline, stats);
  core_.arena.decay(core_.os, deadline, stats);
  large_.decay(core_, now, deadline);
}

template <class Lane>
bool Allocator<Lane>::trim() {
  if (!ready()) return false;
  auto returned = [this] { return event(Event::kPurgePages) + event(Event::kLargeUnmap); };
  const uint64_t before = returned();
  // What one sends to another whose turn is over is collected in the next round.
  bool more = true;
  for (unsigned rounds = Lane::kEscapeRounds; more && rounds > 0; --rounds) {
    flush();
    for (uint32_t id = 1, n = owner_count(); id <= n; ++id) collect_idle(*owner(id));
    more = false;
    for (uint32_t id = 1, n = owner_count(); id <= n; ++id) more = more || owner(id)->inbox_filled();
  }
  {
    Lock guard(core_.runs_lock);
    core_.runs.release_spare(core_, core_.stats);
  }
  purge(true);
  large_.trim(core_);
  return core_.arena.trim(core_.os, core_.stats) != 0 || returned() != before;
}

template <class Lane>
void Allocator<Lane>::configure(const HeapConfig& config) {
  core_.config = config;
  core_.arena.set_limit(config.arena_limit);
}

template <class Lane>
size_t Allocator<Lane>::arena_live_bytes() {
  size_t bytes = 0;
  const PageId pages = ready() ? core_.arena.ever_used() * Lane::kSegmentPages : 0;
  for (PageId page = 0; page < pages; ++page) {
    const Tag tag = map().tag(page);
    if (owner_of(tag) != 0) bytes += map().live_in_page(page) * C::size(class_of(tag));
  }
  return bytes;
}

template <class Lane>
typename Allocator<Lane>::Totals Allocator<Lane>::totals() {
  Totals t{};
  if (!ready()) return t;
  t.live_large_bytes = large_.live_bytes();
  t.cached_large_bytes = large_.cached_bytes();
  t.arena_bytes = size_t{core_.arena.in_use()} * Arena<Lane>::kSegmentBytes;
  t.kept_bytes = size_t{core_.arena.kept()} * Arena<Lane>::kSegmentBytes;
  t.owners = owner_count();
  return t;
}

template <class Lane>
uint64_t Allocator<Lane>::event(Event e) const {
  uint64_t n = core_.stats.get(e);
  for (uint32_t id = 1, last = owner_count(); id <= last; ++id) n += owner(id)->stats().get(e);
  return n;
}

template <class Lane>
size_t Allocator<Lane>::census() {
  constexpr size_t kBroken = SIZE_MAX;
  if (!ready()) return 0;
  if (!core_.arena.check() || !core_.runs.check(core_) || !large_.check()) return kBroken;
  size_t live = 0, open = 0, carved = 0, waiting = 0, flying = 0;
  for (uint32_t id = 1, n = owner_count(); id <= n; ++id) {
    OwnerT* o = owner(id);
    if (!o->check()) return kBroken;
    bool good = true;
    o->each_waiting([&](uintptr_t block) {
      const size_t g = map().granule(block);
      good = good && owner_of(map().tag(Map::page_of_granule(g))) == id && !map().is_live(g) && !map().is_open(g);
      ++waiting;
    });
    o->each_in_flight([&](uintptr_t block) {
      const bool packed = C::is_packed(class_of(map().tag(map().page(block))));
      good = good && map().is_live(map().granule(block)) == packed;
      ++(packed ? flying : waiting);
    });
    if (!good) return kBroken;
  }
  for (SegmentId s = 0; s < core_.arena.ever_used(); ++s) {
    const PageId first = Arena<Lane>::first_page(s);
    const bool used = core_.arena.is_used(s);
    size_t tagged = 0, due = 0;  // pages that name an owner, and those of the slabs that are there
    for (PageId page = first; page < first + Lane::kSegmentPages; ++page) {
      live += map().live_in_page(page);
      open += map().open_in_page(page);
      const Tag tag = map().tag(page);
      if (!used && tag != kTagUnmapped) return kBroken;
      if (owner_of(tag) == 0) continue;
      ++tagged;
      const Slab& slab = map().slab(page);
      if (slab.used != 1) continue;
      const bool packed = C::is_packed(slab.cls);
      if (packed && owner_of(tag) == kNobody ? slab.listed != 0 : packed && slab.listed == 0) return kBroken;
      due += packed ? C::slab_pages(slab.cls) : 1;
      carved += C::slab_blocks(slab.cls);
    }
    if (tagged != due) return kBroken;
  }
  if (live + open + waiting != carved) return kBroken;
  return live - flying + large_.blocks();
}

}  // namespace masu
