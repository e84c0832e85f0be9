// An owner: slabs, segments and caches that one lease holder at a time may touch; everyone else only pushes
// to its inbox. A thread holds one owner's lease while it lives; a dead thread's owner is leased by the next
// thread, or briefly by whoever collects it.
//   every block of the owner's slabs is in exactly one of: live (or in flight to the inbox), bin, spill, open.
#pragma once

#include <cstddef>
#include <cstdint>

#include "heap/checks.h"
#include "heap/core.h"
#include "heap/inbox.h"
#include "heap/remote_stash.h"
#include "heap/runs.h"
#include "heap/thread_cache.h"

namespace masu {

template <class Lane>
class alignas(128) Owner : public ThreadCache<Lane> {
 public:
  using Sync = typename Lane::Sync;
  using C = Classes<Lane>;
  using Map = PageMap<Sync>;

  // On zeroed memory before anyone knows the owner, or to forget everything it holds.
  void init(Core<Lane>& core, uint32_t id) {
    core_ = &core;
    id_ = id;
    this->own_tag = make_tag(id, 0);
    this->owner = this;
    bins_.init(*this);
    for (auto& head : slabs_) head = kNoPage;
    for (auto& page : empty_) page = kNoPage;
    runs_.init(core, id, stats_);
    spilled_ = 0;
    overflow_ = 0;
    stash_ = {};
  }

  // --- the lease
  bool try_lease(uint64_t holder) {
    uint64_t none = 0;
    // relaxed first: do not own the cache line of a lease that is taken.
    if (lease_.load(std::memory_order_relaxed) != 0) return false;
    // acquire, pairs with end_lease(): the last holder's changes are visible.
    return lease_.compare_exchange_strong(none, holder, std::memory_order_acquire, std::memory_order_relaxed);
  }
  // release, pairs with try_lease().
  void end_lease() { lease_.store(0, std::memory_order_release); }
  uint64_t holder() const { return lease_.load(std::memory_order_relaxed); }  // relaxed: a hint to all but the holder
  // Lease holders: a thread, one that only collects (which one, a checked lane says), or a private heap.
  enum Holder : uint64_t { kCollector = 1, kPrivate = 2, kThread = 3 };
  static MASU_INLINE uint64_t as_thread() { return Sync::thread_id() << 2 | kThread; }
  static MASU_INLINE uint64_t as_collector() {
    if constexpr (Lane::kChecked) return Sync::thread_id() << 2 | kCollector;
    return kCollector;
  }
  // A heap that any thread works with under its own lock.
  void become_private() {
    is_private.store(true, std::memory_order_relaxed);  // relaxed: no block of it is out yet
    if constexpr (Lane::kChecked) lease_.store(kPrivate, std::memory_order_relaxed);  // relaxed: it stays leased
  }
  // Checked lanes: whoever takes from the owner, or changes what it holds, holds its lease.
  MASU_INLINE void must_hold(const char* what) {
    if constexpr (Lane::kChecked) {
      auto good = [](uint64_t have) { return have == as_thread() || have == as_collector() || have == kPrivate; };
      if (good(holder())) return;
      // relaxed: a private heap has its lock instead, and a load may give the lease as it was before the heap was handed
      // over; an addition of nothing reads the newest.
      if (!good(lease_.fetch_add(0, std::memory_order_relaxed))) core_->internal(what, reinterpret_cast<uintptr_t>(this));
    }
  }
  // Checked lanes: what a dead thread left is whole before another works with it.
  void must_be_whole() {
    if constexpr (Lane::kChecked) {
      if (!bins_.check(*this) || !stash_.empty()) core_->internal("an adopted owner's caches are torn", reinterpret_cast<uintptr_t>(this));
      each_waiting([&](uintptr_t block) {
        if (const char* wrong = checks().astray(id_, block)) core_->internal(wrong, block);
      });
    }
  }

  // Fork may copy us between any two stores; a busy owner's lists are not to be trusted in the child.
  // acquire keeps the changes behind it; the plain release below keeps them before it.
  void enter() { busy_.exchange(1, std::memory_order_acquire); }
  void leave() { busy_.store(0, std::memory_order_release); }
  bool busy() const { return busy_.load(std::memory_order_acquire) != 0; }

  // --- blocks; lease holder only
  // A block of the class with its live bit clear, and more in the bin; 0 where there is no memory.
  uintptr_t refill(ClassId c) {
    must_hold("a refill without the owner's lease");
    count(Event::kRefill, C::size(c));
    active_ |= uint64_t{1} << c;
    if (bins_.limit(c) == 0) grow(c);  // a run's first demand
    take_incoming();
    if (uintptr_t block = pop(c); block != 0) return block;
    // Demand without frees earns longer refills, up to a point; only a full bin earns a wider one.
    const unsigned want = max_of(bins_.limit(c) / 2, 1u);
    if (!C::is_packed(c)) return fresh_run(c);
    const unsigned most = max_of<unsigned>(min_of<size_t>(Lane::kBinRefillBytes / C::size(c), Lane::kBinRefill), 1);
    if (want < most) grow(c);
    return fill_packed(c, min_of(want, most));
  }

  // A bin is full and `block` (not live) must go somewhere.
  void overflow(ClassId c, uintptr_t block) {
    must_hold("a flush without the owner's lease");
    active_ |= uint64_t{1} << c;
    if (!grow(c)) flush(c, bins_.limit(c) / 2);
    if (!push(c, block)) put_in_slab(block);
  }

  // Returns the oldest blocks of a bin to their slabs until `keep` are left.
  void flush(ClassId c, unsigned keep) {
    const unsigned have = bins_.blocks(*this, c);
    if (have <= keep) return;
    count(Event::kFlush, C::size(c));
    uintptr_t* first = bins_.bottom(c) + 1;
    const unsigned out = have - keep;
    for (unsigned i = 0; i < out; ++i) put_in_slab(first[i]);
    for (unsigned i = 0; i < keep; ++i) first[i] = first[out + i];
    this->top[c] = bins_.bottom(c) + keep;
  }

  // Everything that waits here goes back to slabs, empty slabs to segments, empty segments to the arena.
  void collect() {
    must_hold("a collect without the owner's lease");
    while (take_incoming()) {
    }
    empty_spill();
    for (ClassId c = 0; c < C::kCount; ++c) {
      flush(c, 0);
      bins_.set_limit(*this, c, Bins<Lane>::first_limit(c));
      release_empty(c);
    }
    runs_.release_spare();
  }

  // Everyone may use the free pages of our segments.
  MASU_INLINE void share() {
    must_hold("segments are shared without the owner's lease");
    runs_.share();
  }

  // Bins that saw no refill or flush since the last call give back half of what they hold; all of it where
  // the thread was `idle` for a decay period.
  void decay_bins(bool idle) {
    must_hold("a decay without the owner's lease");
    for (ClassId c = 0; c < C::kCount; ++c) {
      if (!idle && ((active_ >> c) & 1)) continue;
      flush(c, idle ? 0 : bins_.blocks(*this, c) / 2);
      bins_.shrink(*this, c);
      release_empty(c);
    }
    active_ = 0;
  }

  // What others freed becomes ours: for callers that never refill, else it would pile up.
  void receive() {
    must_hold("a drain without the owner's lease");
    take_incoming();
  }

  // A run of its own, past the bins: (pages, alignment in pages). kNoPage where there is no memory.
  PageId alloc_run(ClassId c, unsigned align, bool& zero) {
    const PageId page = runs_.alloc(C::slab_pages(c), align, zero);
    if (page != kNoPage) open_slab(page, c);
    return page;
  }

  uintptr_t pop(ClassId c) {
    const uintptr_t block = *this->top[c];
    if (block != 0) --this->top[c];
    return block;
  }
  bool push(ClassId c, uintptr_t block) {
    if (bins_.full(*this, c)) return false;
    *++this->top[c] = block;
    return true;
  }

  Inbox<Sync>& inbox() { return inbox_; }
  const Inbox<Sync>& inbox() const { return inbox_; }
  RemoteStash<Lane>& stash() { return stash_; }
  Stats<Sync>& stats() { return stats_; }
  Runs<Lane>& runs() { return runs_; }
  Bins<Lane>& bins() { return bins_; }
  uint32_t id() const { return id_; }
  // Counts an event of this owner's and tells the lane.
  MASU_INLINE void count(Event e, uintptr_t what) {
    stats_.count(e);
    Lane::note(e, id_, what);
  }
  bool has_incoming() const { return overflow_ != 0 || spilled_ != 0 || !inbox_.empty(); }

  // Boundary events since the start; every kTickEvents-th is a tick.
  bool tick_due() { return ++events_ % Lane::kTickEvents == 0; }
  uint64_t next_tick_ms = 0;      // when the holder looks for decayed memory again
  uint32_t pressure_seen = 0;     // of the heap's pressure epochs
  typename Sync::template Atomic<bool> is_private{false};  // a heap value: frees by others go straight to the inbox
  bool retired = false;           // torn by a fork: never leased again
  typename Sync::Mutex private_lock{kRankRegistry};

  // What waits here, for reports; while the holder goes on only a guess.
  struct Holdings {
    unsigned bins, spill, stash;
    bool overflow, inbox;
  };
  Holdings holdings() {
    Holdings h{0, spilled_, 0, overflow_ != 0, !inbox_.empty()};
    for (ClassId c = 0; c < C::kCount; ++c) h.bins += bins_.blocks(*this, c);
    stash_.each([&](const auto& chain) { h.stash += chain.blocks; });
    return h;
  }

  // At rest; the lease holder. Every list is whole and every count agrees.
  bool check();
  // Visits every block that waits here for a malloc.
  template <class Visit>
  void each_waiting(Visit&& visit) {
    for (ClassId c = 0; c < C::kCount; ++c) {
      for (uintptr_t* s = bins_.bottom(c) + 1; s <= this->top[c]; ++s) visit(*s);
    }
    for (unsigned i = 0; i < spilled_; ++i) visit(spill_[i]);
  }
  // At rest: visits every block whose free is still on its way to us or, by our stash, to others.
  template <class Visit>
  void each_in_flight(Visit&& visit) {
    auto walk = [&](uintptr_t block, uintptr_t tail) {
      for (; block != 0; block = block == tail ? 0 : core_->links.get(block)) visit(block);
    };
    walk(overflow_, 0);
    walk(inbox_.peek(), 0);
    stash_.each([&](const auto& chain) { walk(chain.head, chain.tail); });
  }

 private:
  Map& map() { return core_->arena.map(); }
  MASU_INLINE Checks<Lane> checks() { return Checks<Lane>(*core_); }

  // relaxed: a bound that may be a moment old.
  size_t cache_bound() const { return core_->cache_bytes.load(std::memory_order_relaxed); }
  bool grow(ClassId c) { return bins_.grow(*this, c, cache_bound()); }

  // --- what others freed: spill first, then the spill's overflow, then the inbox. True where any came.
  bool take_incoming() {
    const bool spilled = spilled_ != 0;
    if (spilled) empty_spill();
    if (overflow_ == 0) {
      if (inbox_.empty()) return spilled;
      overflow_ = inbox_.drain();
      count(Event::kDrain, overflow_);
      if (overflow_ == 0) stats_.count(Event::kDrainEmpty);
      if (!checks().drained(id_, overflow_)) overflow_ = 0;
    }
    for (unsigned i = 0; overflow_ != 0 && i < Lane::kDrainStep && spilled_ < Lane::kSpill; ++i) {
      const uintptr_t block = overflow_;
      ClassId c = 0;
      if (!checks().taken(id_, block) || !accept(block, c)) {
        overflow_ = 0;
        break;
      }
      if (!push(c, block)) {
        spill_[spilled_++] = block;
        stats_.count(Event::kSpillFill);
      }
    }
    if (overflow_ != 0) stats_.count(Event::kSpillOverflow);
    return true;
  }

  // Takes the first block off the overflow: it is live no more. False where it is not ours, not out, or no longer
  // holds the link of its free.
  bool accept(uintptr_t block, ClassId& c) {
    const size_t granule = map().granule(block);
    const Tag tag = map().tag(Map::page_of_granule(granule));
    c = class_of(tag);
    if (owner_of(tag) != id_) {
      core_->fault_link(block, "drain");
      return false;
    }
    if (map().is_live(granule) != C::is_packed(c)) {
      Evidence e;
      e.address = block;
      e.where = "drain";
      core_->fault(Fault::kDoubleFree, e);
      return false;
    }
    core_->links.prefetch_ahead(block);
    overflow_ = core_->links.get(block);
    if (overflow_ != 0 && map().granule(overflow_) >= map().granules()) {
      core_->fault_link(block, "drain");
      return false;
    }
    core_->links.wipe(block);
    if (C::is_packed(c)) map().clear_live(granule);  // a run's was cleared by who freed it
    return true;
  }

  void empty_spill() {
    while (spilled_ > 0) {
      const uintptr_t block = spill_[--spilled_];
      if (const char* wrong = checks().astray(id_, block)) {
        core_->internal(wrong, block);
        continue;
      }
      if (!push(class_of(map().tag(map().page(block))), block)) put_in_slab(block);
    }
  }

  // --- slabs
  uintptr_t fill_packed(ClassId c, unsigned want) {
    uintptr_t* first = this->top[c] + 1;  // the bin is empty
    unsigned got = 0;
    while (got < want) {
      PageId page = slabs_[c];
      if (page == kNoPage) {
        if (got > 0 || (page = carve(c)) == kNoPage) break;
      }
      got += take_open(page, first + got, want - got);
      if (map().slab(page).open == 0) unlist(page);
    }
    if (got == 0) return 0;
    // The lowest address is handed out first, so that fresh pages are touched in order and no sooner.
    for (unsigned i = 0, j = got - 1; i < j; ++i, --j) {
      const uintptr_t t = first[i];
      first[i] = first[j];
      first[j] = t;
    }
    this->top[c] += got;
    return pop(c);
  }

  unsigned take_open(PageId page, uintptr_t* out, unsigned want) {
    Slab& slab = map().slab(page);
    uint64_t* words = map().open_words(page);
    uintptr_t at = map().address(page);
    unsigned got = 0;
    for (unsigned n = min_of<unsigned>(want, slab.open); got < n; ++words, at += 64 * kGranule) {
      uint64_t bits = *words;
      for (; bits != 0 && got < n; bits &= bits - 1) {
        out[got++] = at + static_cast<unsigned>(std::countr_zero(bits)) * kGranule;
      }
      *words = bits;
    }
    slab.open = static_cast<uint16_t>(slab.open - got);
    if (empty_[slab.cls] == page && got > 0) empty_[slab.cls] = kNoPage;
    return got;
  }

  uintptr_t fresh_run(ClassId c) {
    bool zero = false;
    const PageId page = alloc_run(c, 1, zero);
    return page == kNoPage ? 0 : map().address(page);
  }

  // A new slab with all blocks open, first in the list.
  PageId carve(ClassId c) {
    bool zero = false;
    const unsigned pages = C::slab_pages(c);
    const PageId page = runs_.alloc(pages, 1, zero);
    if (page == kNoPage) return page;
    count(Event::kSlabCarve, map().address(page));
    open_slab(page, c);
    if constexpr (Lane::kChecked) map().slab(page).zero = zero;
    for (unsigned i = 1; i < pages; ++i) {
      map().slab(page + i) = Slab{{{kNoPage, kNoPage}}, 0, static_cast<uint8_t>(c), static_cast<uint8_t>(i), 0, 0, 0};
      map().set_tag(page + i, make_tag(id_, c));
    }
    uint64_t* words = map().open_words(page);
    const size_t step = C::size(c) / kGranule;
    for (size_t i = 0, g = 0; i < C::slab_blocks(c); ++i, g += step) words[g / 64] |= uint64_t{1} << (g % 64);
    map().slab(page).open = static_cast<uint16_t>(C::slab_blocks(c));
    list(page);
    return page;
  }

  void open_slab(PageId page, ClassId c) {
    map().slab(page) = Slab{{{kNoPage, kNoPage}}, 0, static_cast<uint8_t>(c), 0, 0, 1, 0};
    map().set_tag(page, make_tag(id_, c));
  }

  // The block is in no cache and not live: its slab takes it back.
  void put_in_slab(uintptr_t block) {
    if (const char* wrong = checks().astray(id_, block)) return core_->internal(wrong, block);
    const PageId inner = map().page(block);
    const PageId page = map().slab_start(inner);
    Slab& slab = map().slab(page);
    const ClassId c = slab.cls;
    if (C::is_packed(c)) {
      const size_t granule = map().granule(block);
      if (MASU_UNLIKELY(map().is_open(granule))) core_->internal("a block came back to its slab twice", block);
      map().set_open(granule);
      if (!slab.listed) list(page);
      if (++slab.open < C::slab_blocks(c)) return;
      // One empty slab a class stays, unless threads are many: the next refill would only carve it again.
      if (empty_[c] == kNoPage && cache_bound() >= Lane::kCacheBytes / 8) {
        empty_[c] = page;
        return;
      }
      unlist(page);
      release_slab(page);
    } else {
      map().set_tag(page, kTagFree);
      slab.used = 0;
      count(Event::kSlabRelease, block);
      runs_.free(page, C::slab_pages(c));
    }
  }

  void release_empty(ClassId c) {
    const PageId page = empty_[c];
    if (page == kNoPage) return;
    empty_[c] = kNoPage;
    unlist(page);
    release_slab(page);
  }

  // All its blocks are open and it is in no list.
  void release_slab(PageId page) {
    Slab& slab = map().slab(page);
    const unsigned pages = C::slab_pages(slab.cls);
    uint64_t* words = map().open_words(page);
    for (unsigned i = 0; i < pages * Map::kWordsPerPage; ++i) words[i] = 0;
    map().set_tags(page, pages, kTagFree);
    slab.used = 0;
    count(Event::kSlabRelease, map().address(page));
    runs_.free(page, pages);
  }

  void list(PageId page) {
    Slab& slab = map().slab(page);
    slab.prev = kNoPage;
    slab.next = slabs_[slab.cls];
    if (slab.next != kNoPage) map().slab(slab.next).prev = page;
    slabs_[slab.cls] = page;
    slab.listed = 1;
  }
  void unlist(PageId page) {
    Slab& slab = map().slab(page);
    (slab.prev == kNoPage ? slabs_[slab.cls] : map().slab(slab.prev).next) = slab.next;
    if (slab.next != kNoPage) map().slab(slab.next).prev = slab.prev;
    slab.listed = 0;
  }

  Core<Lane>* core_;
  uint32_t id_;
  uint32_t events_;
  uint64_t active_;           // classes with a refill or flush since the last decay
  PageId slabs_[C::kCount];  // slabs with open blocks, by class
  PageId empty_[C::kCount];  // the one among them whose blocks are all open, if any
  Runs<Lane> runs_;
  Stats<Sync> stats_;
  unsigned spilled_;
  uintptr_t spill_[Lane::kSpill];
  uintptr_t overflow_;  // the rest of a drained chain, links and live bits as they came
  RemoteStash<Lane> stash_;
  alignas(128) Inbox<Sync> inbox_;  // what other threads write, apart from what the holder reads
  typename Sync::template Atomic<uint64_t> lease_;
  typename Sync::template Atomic<uint32_t> busy_;
  alignas(128) Bins<Lane> bins_;
};

template <class Lane>
bool Owner<Lane>::check() {
  if (!bins_.check(*this) || !runs_.check()) return false;
  for (ClassId c = 0; c < C::kCount; ++c) {
    PageId prev = kNoPage;
    unsigned steps = 0;
    for (PageId page = slabs_[c]; page != kNoPage; prev = page, page = map().slab(page).next) {
      const Slab& slab = map().slab(page);
      if (++steps > (1u << 24) || slab.prev != prev || slab.cls != c || !slab.listed || !slab.used) return false;
      if (owner_of(map().tag(page)) != id_ || slab.open == 0) return false;
      if ((slab.open == C::slab_blocks(c)) != (empty_[c] == page)) return false;
      unsigned open = 0;
      for (unsigned i = 0; i < C::slab_pages(c); ++i) open += map().open_in_page(page + i);
      if (open != slab.open) return false;
    }
  }
  return true;
}

}  // namespace masu
