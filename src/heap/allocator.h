// The heap as a value: no statics, no globals. One lane, any threads. malloc, free and usable_size are the
// fast paths; everything behind MASU_NOINLINE happens at boundaries.
//   init() once before use (the API does it lazily); destroy() only when no thread uses it any more.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/attributes.h"
#include "heap/checks.h"
#include "heap/core.h"
#include "heap/diagnose.h"
#include "heap/large.h"
#include "heap/owner.h"

namespace masu {

template <class Lane>
class Allocator {
 public:
  using Sync = typename Lane::Sync;
  using C = Classes<Lane>;
  using Cache = ThreadCache<Lane>;
  using OwnerT = Owner<Lane>;
  using Map = PageMap<Sync>;

  // What a thread's pointer leads to before it has an owner, and after it gave it back for good.
  // Beside it what malloc() asks of a size, so that one address serves for both.
  struct Fixed {
    Cache unbound;
    typename C::Tables classes;
  };
  static constexpr Fixed kFixed{UnboundCache<Lane>::make(), C::kTables};
  static constexpr const Cache& kUnbound = kFixed.unbound;
  static constexpr Cache kExited = UnboundCache<Lane>::make();

  // `lazy`: called when the heap is first needed and not ready; calls init() once, for all threads.
  constexpr explicit Allocator(bool (*lazy)(Allocator&) = nullptr) : lazy_(lazy) {}
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // False where the system gives no address space; may be called again then. `exit_hook(heap)` is armed for
  // every thread that binds and must end in thread_exit().
  bool init(const HeapConfig& config, void (*exit_hook)(void*) = nullptr, void* exit_argument = nullptr);
  void destroy();
  // acquire, pairs with init(): whoever sees it ready sees all of it.
  bool ready() const { return ready_.load(std::memory_order_acquire); }

  // Whether there is a heap, starting it where that is still to be done.
  bool ensure_ready() { return ready() || (lazy_ != nullptr && lazy_(*this)); }

  // `bytes` usable bytes aligned to 16, null where there is no memory or bytes > PTRDIFF_MAX. errno is the API's.
  MASU_INLINE void* malloc(size_t bytes) {
    void* p = hit(bytes);
    return MASU_LIKELY(p != nullptr) ? p : miss(bytes);
  }
  // Its two halves, for callers that end in miss() and so need no frame: from the thread's own bins, or null ...
  MASU_INLINE void* hit(size_t bytes) {
    if (MASU_UNLIKELY(bytes > kTableMax)) return nullptr;
    const Fixed* fixed = &kFixed;
    MASU_BESIDE_RESULT(fixed);
    const size_t c = fixed->classes.by_granules[C::granules(bytes)];
    return take(cache_at(*fixed), c);
  }
  // The same as hit() for who knows the class; null for a live block, too: malloc() finds it again and says so.
  MASU_INLINE void* hit_class(ClassId c) {
    Cache* cache = self();
    const uintptr_t block = *cache->top[c];
    if (MASU_UNLIKELY(block == 0 || !map().set_live(block))) return nullptr;
    --cache->top[c];
    return reinterpret_cast<void*>(block);
  }
  // ... and from wherever there is memory.
  void* miss(size_t bytes) {
    if (bytes > C::kMaxSize) return malloc_large(bytes, kGranule);
    const ClassId c = C::of(bytes);
    void* p = bytes <= kTableMax ? nullptr : take(self(), c);
    return p != nullptr ? p : malloc_slow(c);
  }

  MASU_INLINE void free(void* p) {
    Cache* cache = self();
    const uintptr_t block = reinterpret_cast<uintptr_t>(p);
    const size_t granule = map().granule(block);
    if (MASU_UNLIKELY(!map().in_use(granule))) return free_slow(block, *this);
    const size_t c = map().tag(Map::page_of_granule(granule)) ^ cache->own_tag;
    if (MASU_UNLIKELY(c >= C::kCount)) return free_slow(block, *this);
    free_own(block, granule, cache, c);
  }
  // Of the thread's own owner.
  MASU_INLINE void free_own(uintptr_t block, size_t granule, Cache* cache, size_t c) {
    if (MASU_UNLIKELY(!map().clear_live(granule))) return free_again(block, *this);
    uintptr_t* top = cache->top[c];
    if (MASU_UNLIKELY(top[1] == kBinEnd)) return free_full(block, cache, static_cast<ClassId>(c), *this);
    // A block that shares its slab loses its first word: freed twice, it may still be in a chain, and no longer reads as a
    // link of it. A run's first page stays untouched: its slot is written instead, without a branch on the class, which
    // programs that mix sizes mispredict.
    *(C::is_packed(c) ? reinterpret_cast<uintptr_t*>(block) : top + 1) = 0;
    top[1] = block;
    cache->top[c] = top + 1;
  }

  // Zeroed; bytes is the product, checked by the API.
  void* calloc(size_t bytes);
  // align: a power of two.
  MASU_NOINLINE void* aligned(size_t bytes, size_t align);
  // Null leaves the block as it was. p is a live block or null.
  void* realloc(void* p, size_t bytes);

  // Bytes that may be used; 0 for null. A wild address is a fault.
  MASU_INLINE size_t usable_size(const void* p) {
    const uintptr_t block = reinterpret_cast<uintptr_t>(p);
    const size_t granule = map().granule(block);
    if (MASU_LIKELY(granule < map().granules())) {
      const Tag tag = map().tag(Map::page_of_granule(granule));
      if (MASU_LIKELY(owner_of(tag) != 0)) return C::size(class_of(tag));
    }
    return usable_slow(block);
  }
  // Bytes that malloc(bytes) would make usable.
  size_t good_size(size_t bytes) {
    return bytes <= C::kMaxSize ? C::size(C::of(bytes)) : align_up(bytes, core_.os.page_size());
  }

  // --- threads
  void thread_exit();           // gives this thread's owner back; later calls of it work without one
  void flush();                 // publishes this thread's remote frees and returns its caches to their slabs
  // --- memory
  bool trim();                  // everything that can go back to the system, now; whether any did
  void purge(bool force);       // decayed pages of this thread's owner and the arena; all where forced
  // --- fork
  void fork_prepare();
  void fork_parent();
  void fork_child();

  // --- private heaps: one lease, frees by others through the inbox
  OwnerT* heap_new();
  void* heap_malloc(OwnerT& heap, size_t bytes, size_t align);
  void heap_delete(OwnerT& heap);  // and every block in it

  struct Totals {
    size_t live_large_bytes, cached_large_bytes, arena_bytes, kept_bytes;
    uint32_t owners;
  };
  Totals totals();
  size_t arena_live_bytes();    // of live blocks inside the arena, whole blocks; while others go on an estimate
  void configure(const HeapConfig& config);  // settings read later than the first use
  uint64_t event(Event e) const;

  template <class Visit>
  void each_owner(Visit&& visit) {
    for (uint32_t id = 1, n = owner_count(); id <= n; ++id) visit(*owner(id));
  }
  // At rest, no other thread in the heap: walks everything. Blocks seen live, or SIZE_MAX with a broken invariant.
  size_t census();
  bool is_live(const void* p) const {
    const size_t g = core_.arena.map().granule(reinterpret_cast<uintptr_t>(p));
    return g < core_.arena.map().granules() && core_.arena.map().is_live(g);
  }
  Core<Lane>& core() { return core_; }
  Large<Lane>& large() { return large_; }

 private:
  using Busy = typename OwnerT::Busy;
  Map& map() { return core_.arena.map(); }
  // A thread's word is the distance from the unbound cache: null, which is what thread storage holds before
  // it is set up, means unbound without a test for it.
  MASU_INLINE Cache* self() { return cache_at(kFixed); }
  MASU_INLINE Cache* cache_at(const Fixed& fixed) {
    const uintptr_t distance = reinterpret_cast<uintptr_t>(Sync::self(slot_));
    return reinterpret_cast<Cache*>(reinterpret_cast<uintptr_t>(&fixed.unbound) + distance);
  }
  void set_self(const Cache* cache) {
    Sync::self(slot_) = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(cache) - reinterpret_cast<uintptr_t>(&kUnbound));
  }
  MASU_INLINE Checks<Lane> checks() { return Checks<Lane>(core_); }
  OwnerT* owner(uint32_t id) const { return core_.owners[id - 1]; }
  // relaxed: whoever has a block of the owner's got it after the flag was set.
  bool is_private(uint32_t id) const { return owner(id)->is_private.load(std::memory_order_relaxed); }
  uint32_t owner_count() const { return core_.owner_count.load(std::memory_order_acquire); }  // pairs with create_owner()

  // From the bin; null where it is empty.
  MASU_INLINE void* take(Cache* cache, size_t c) {
    uintptr_t* top = cache->top[c];
    uintptr_t block = *top;
    MASU_AS_RESULT(block);
    if (MASU_UNLIKELY(block == 0)) return nullptr;
    cache->top[c] = top - 1;
    return hand_out(block);
  }
  MASU_INLINE void* hand_out(uintptr_t block) {
    if (MASU_UNLIKELY(!map().set_live(block))) return fault_cached(block);
    return reinterpret_cast<void*>(block);
  }

  template <class Try>
  void* from_owner(ClassId c, Try&& attempt);
  MASU_NOINLINE void* malloc_slow(ClassId c);
  MASU_NOINLINE void* malloc_large(size_t bytes, size_t align);
  MASU_NOINLINE void* run_aligned(ClassId c, unsigned align_pages, bool& zero);
  // free()'s other ends. The block comes first, as it came: free() need not move it.
  static MASU_NOINLINE void free_full(uintptr_t block, Cache* cache, ClassId c, Allocator& heap);
  static MASU_NOINLINE void free_slow(uintptr_t block, Allocator& heap) { heap.free_elsewhere(block); }
  static MASU_COLD void free_again(uintptr_t block, Allocator& heap) { heap.fault_free(block, "free"); }
  MASU_INLINE void free_elsewhere(uintptr_t block);
  MASU_NOINLINE void free_watched(uintptr_t block, ClassId c);
  MASU_NOINLINE void free_other(uintptr_t block, uint32_t id);
  MASU_NOINLINE void free_unbound(uintptr_t block, Tag tag);
  MASU_NOINLINE size_t usable_slow(uintptr_t block);
  MASU_COLD void fault_free(uintptr_t p, const char* where);
  MASU_COLD void* fault_cached(uintptr_t block) {
    core_.internal("a cached block is live", block);
    return reinterpret_cast<void*>(block);
  }

  // The owner this thread works as: its own, or for a thread past its exit one leased for this call.
  OwnerT* bind(Cache* cache, bool& transient);
  void unbind(OwnerT* o);
  OwnerT* lease_orphan();
  OwnerT* lease_empty_orphan();
  OwnerT* create_owner();
  void boundary(OwnerT& o);
  // relaxed: the next boundary sees it.
  bool is_pressed(const OwnerT& o) const { return core_.pressure.load(std::memory_order_relaxed) != o.pressure_seen; }
  void answer_pressure(OwnerT& o);
  void end_window(OwnerT& o);
  void end_watch(OwnerT& o);
  void tick(OwnerT& o);
  MASU_NOINLINE void free_run(OwnerT* o, uintptr_t block, Tag tag);
  MASU_NOINLINE void free_of_nobody(OwnerT* o, uintptr_t block, ClassId c);
  MASU_NOINLINE void send_alone(uint32_t to, uintptr_t block);
  void purge_runs(uint64_t deadline_ms, Stats<Sync>& stats);
  void collect_orphans(bool all);
  bool collect_idle(OwnerT& o);
  MASU_COLD void make_room();
  template <class Try>
  auto map_or_make_room(Try&& map) -> decltype(map());
  template <class Try>
  auto escape(OwnerT& o, Try&& attempt) -> decltype(attempt());

  Core<Lane> core_;
  bool (*lazy_)(Allocator&) = nullptr;
  typename Sync::template Atomic<bool> ready_{false};
  uint32_t slot_ = 0;
  Large<Lane> large_;
  typename Sync::Mutex registry_{kRankRegistry};
  typename Sync::template Atomic<uint32_t> orphans_{0};   // a hint: owners nobody leases
  void (*exit_hook_)(void*) = nullptr;
  void* exit_argument_ = nullptr;
  typename Sync::template Atomic<uint32_t> collect_next_{0};
};

}  // namespace masu

#include "heap/allocator_blocks.h"
#include "heap/allocator_memory.h"
#include "heap/allocator_threads.h"
