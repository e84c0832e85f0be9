// An owner: slabs and caches that one lease holder at a time may touch; everyone else only pushes
// to its inbox. A thread holds one owner's lease while it lives; a dead thread's owner is leased by the next
// thread, or briefly by whoever collects it.
//   every block of the owner's slabs is in exactly one of: live (or in flight to the inbox), bin, spill, open.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "heap/checks.h"
#include "heap/core.h"
#include "heap/inbox.h"
#include "heap/remote_stash.h"
#include "heap/slabs.h"
#include "heap/thread_cache.h"
#include "heap/window.h"

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
    slabs_.init(core, id, stats_);
    spilled_ = 0;
    overflow_ = 0;
    demand_ = strangers_ = 0;
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
    slabs_.become_private();
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

  // While one lives the owner is being changed. Fork may copy us between any two stores; a busy owner's lists are not to be
  // trusted in the child.
  class [[nodiscard]] Busy {
   public:
    // acquire keeps the changes behind it; the plain release below keeps them before it.
    explicit Busy(Owner& o) : o_(o) { o_.busy_.exchange(1, std::memory_order_acquire); }
    ~Busy() { o_.busy_.store(0, std::memory_order_release); }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    Owner& o_;
  };
  bool busy() const { return busy_.load(std::memory_order_acquire) != 0; }

  // --- blocks; lease holder only
  // A block of the class with its live bit clear, and more in the bin; 0 where there is no memory.
  uintptr_t refill(ClassId c) {
    must_hold("a refill without the owner's lease");
    count(Event::kRefill, C::size(c));
    active_ |= uint64_t{1} << c;
    demand_ |= uint64_t{1} << c;
    if (bins_.limit(c) == 0) grow(c);  // a run's first demand
    empty_spill();
    if (uintptr_t block = pop(c); block != 0) return block;
    if ((strangers_ >> c) & 1) slabs_.abandon(c);
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
    // Only a bin that is emptied too is worth more room; what is only ever freed goes back.
    if (((demand_ >> c) & 1) == 0 || !grow(c)) {
      demand_ &= ~(uint64_t{1} << c);
      take_incoming();  // who only frees has no refill that would
      flush(c, bins_.limit(c) / 2);
    }
    if (!push(c, block)) put_in_slab(block);
  }

  // Another owner's free: a block of a slab that is nobody's any more. Ours with its slab, or sent where it belongs.
  void free_of_nobody(uintptr_t block, ClassId c) {
    uint32_t other = 0;
    if (!slabs_.claim(map().page(block), other)) return send(other, block, c);
    if (!map().clear_live(map().granule(block))) return double_free(block, "free");
    core_->links.wipe(block, c);
    keep(c, block);
  }
  // A run that another owner's thread handed out changes hands, instead of waiting for a thread that may be off. Its live
  // bit is taken.
  void free_run(uintptr_t block, ClassId c) {
    slabs_.claim_run(block, c);
    if (bins_.limit(c) == 0) return put_in_slab(block);  // we have no use for it
    keep(c, block);
  }
  // A block of another owner's goes there with others, later. It shares its slab.
  void send(uint32_t to, uintptr_t block, ClassId c) {
    if (!checks().begin(block)) return double_free(block, "free");
    stash_.add(core_->links.inside(), to, block, C::size(c), [this](const auto& chain) { publish(chain); });
  }
  void flush_stash() {
    stash_.flush_all([this](const auto& chain) { publish(chain); });
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
    window_.flushed(c);
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
      slabs_.release_empty(c);
      slabs_.abandon(c);
    }
    flush_stash();
  }

  // Bins that saw no refill or flush since the last call give back half of what they hold; all of it where
  // the thread was `idle` for a decay period.
  void decay_bins(bool idle) {
    must_hold("a decay without the owner's lease");
    for (ClassId c = 0; c < C::kCount; ++c) {
      if (!idle && ((active_ >> c) & 1)) continue;
      flush(c, idle ? 0 : bins_.blocks(*this, c) / 2);
      bins_.shrink(*this, c);
      slabs_.release_empty(c);
    }
    active_ = strangers_ = 0;
  }

  // What others freed becomes ours: for callers that never refill, else it would pile up.
  void receive() {
    must_hold("a drain without the owner's lease");
    take_incoming();
  }

  // A run of its own, past the bins: (pages, alignment in pages). kNoPage where there is no memory.
  PageId alloc_run(ClassId c, unsigned align, bool& zero) {
    return slabs_.alloc_run(c, align, zero);
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
  Slabs<Lane>& slabs() { return slabs_; }
  Bins<Lane>& bins() { return bins_; }
  Window<Lane>& window() { return window_; }
  uint32_t id() const { return id_; }
  // Counts an event of this owner's and tells the lane.
  MASU_INLINE void count(Event e, uintptr_t what) {
    stats_.count(e);
    Lane::note(e, id_, what);
  }
  bool inbox_filled() const { return !inbox_.empty(); }
  bool has_incoming() const { return overflow_ != 0 || spilled_ != 0 || !inbox_.empty(); }

  // Boundary events since the start; every kTickEvents-th is a tick.
  bool tick_due() { return ++events_ % Lane::kTickEvents == 0; }
  uint32_t events() const { return events_; }
  uint64_t next_tick_ms = 0;      // when the holder looks for decayed memory again
  uint32_t pressure_seen = 0;     // of the heap's pressure epochs
  typename Sync::template Atomic<bool> is_private{false};  // a heap value: frees by others go straight to the inbox
  typename Sync::template Atomic<bool> had_thread{false};  // once a thread has worked as it, it is no private heap any more
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
  bool check() { return bins_.check(*this) && slabs_.check(); }
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
  void keep(ClassId c, uintptr_t block) {
    if (!push(c, block)) overflow(c, block);
  }
  void double_free(uintptr_t block, const char* where) {
    Evidence e;
    e.address = block;
    e.where = where;
    core_->fault(Fault::kDoubleFree, e);
  }
  MASU_INLINE Checks<Lane> checks() { return Checks<Lane>(*core_); }

  void publish(const typename RemoteStash<Lane>::Chain& chain) {
    stats_.count(Event::kStashPush);
    stats_.count(Event::kStashBlocks, chain.blocks);
    if (chain.owner == id_) stats_.count(Event::kStashOwn);
    // The tail's link is the one that is written later than its free: not into a block that was freed twice, and whose
    // slab may be gone or which may be out again.
    const Tag tag = map().tag(map().page(chain.tail));
    if (MASU_UNLIKELY(owner_of(tag) == 0 || map().is_live(map().granule(chain.tail)) != C::is_packed(class_of(tag)) ||
                      core_->links.get(chain.tail) != 0)) {
      return core_->fault_link(chain.tail, "flush");
    }
    if constexpr (Lane::kChecked) {
      // relaxed: whoever read an owner's tag, as home_tag() and claim_tag() do, learned with it that the owner is counted.
      if (!checks().batch(chain, id_, core_->owner_count.load(std::memory_order_relaxed))) return;
    }
    Lane::note(Event::kStashPush, chain.owner, chain.head);
    checks().push(core_->owners[chain.owner - 1]->inbox(), chain.head, chain.tail);
  }

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
      backlog_ = 0;
      forwarded_ = 0;
      forwarded_mark_ = 0;
      count(Event::kDrain, overflow_);
      if (overflow_ == 0) stats_.count(Event::kDrainEmpty);
      if (!checks().drained(overflow_)) overflow_ = 0;
    }
    for (unsigned i = 0; overflow_ != 0 && i < Lane::kDrainStep && spilled_ < Lane::kSpill; ++i) {
      const uintptr_t block = overflow_;
      ClassId c = 0;
      uint32_t home = 0;
      if (!checks().taken(block) || !unlink(block, c, home)) {
        overflow_ = 0;
        break;
      }
      if (MASU_UNLIKELY(home != id_) && !(home == kNobody && slabs_.claim(map().page(block), home))) {
        if (forward(home, block, c)) continue;
        overflow_ = 0;
        break;
      }
      if (C::is_packed(c)) map().clear_live(map().granule(block));  // a run's was cleared by who freed it
      if (++backlog_ > Lane::kBacklog) strangers_ |= uint64_t{1} << c;
      if (!push(c, block)) {
        spill_[spilled_++] = block;
        stats_.count(Event::kSpillFill);
      }
    }
    if (overflow_ != 0) stats_.count(Event::kSpillOverflow);
    return true;
  }

  // A block whose slab has changed hands since it was sent goes after it. False for one that was freed twice: what stays here
  // loses its live bit, these do not, and going on they write the links that are followed here. No list has a block again, so
  // each is compared with the last whose number was a power of two: a ring ends.
  bool forward(uint32_t home, uintptr_t block, ClassId c) {
    if (block == forwarded_mark_) {
      double_free(block, "drain");
      return false;
    }
    if (std::has_single_bit(++forwarded_)) forwarded_mark_ = block;
    send(home, block, c);
    return true;
  }

  // Takes the first block off the overflow. False where it is no block, not out, or no longer holds the link of its free.
  MASU_INLINE bool unlink(uintptr_t block, ClassId& c, uint32_t& home) {
    const size_t granule = map().granule(block);
    const Tag tag = map().home_tag(Map::page_of_granule(granule));
    c = class_of(tag);
    home = owner_of(tag);
    if (home == 0) {
      core_->fault_link(block, "drain");
      return false;
    }
    if (map().is_live(granule) != C::is_packed(c)) {
      double_free(block, "drain");
      return false;
    }
    core_->links.prefetch_ahead(block, c);
    overflow_ = core_->links.get(block, c);
    if (overflow_ != 0 && map().granule(overflow_) >= map().granules()) {
      core_->fault_link(block, "drain");
      return false;
    }
    core_->links.wipe(block, c);
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
  // The block is in no cache and not live.
  void put_in_slab(uintptr_t block) {
    if (const char* wrong = checks().astray(id_, block)) return core_->internal(wrong, block);
    slabs_.put(block, cache_bound() >= Lane::kCacheBytes / 8);
  }

  uintptr_t fill_packed(ClassId c, unsigned want) {
    uintptr_t* first = this->top[c] + 1;  // the bin is empty
    const unsigned got = slabs_.take(c, first, want);
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

  uintptr_t fresh_run(ClassId c) {
    bool zero = false;
    const PageId page = alloc_run(c, 1, zero);
    return page == kNoPage ? 0 : map().address(page);
  }

  Core<Lane>* core_;
  uint32_t id_;
  alignas(128) uint32_t events_;  // written at every boundary from here on, apart from what who frees our blocks reads
  uint64_t active_;           // classes with a refill or flush since the last decay
  uint64_t demand_;           // classes with a refill since their bin was last flushed
  uint64_t strangers_;        // classes whose blocks others freed in number since the last decay, so that we must have been away
  Window<Lane> window_;
  Slabs<Lane> slabs_;
  Stats<Sync> stats_;
  unsigned spilled_;
  uintptr_t spill_[Lane::kSpill];
  uintptr_t overflow_;  // the rest of a drained chain, links and live bits as they came
  uint32_t backlog_;    // blocks of that chain that are ours
  uint32_t forwarded_;  // blocks of that chain that went on to another owner, and the last whose number was a power of two
  uintptr_t forwarded_mark_;
  RemoteStash<Lane> stash_;
  alignas(128) Inbox<Sync> inbox_;  // what other threads write, apart from what the holder reads
  typename Sync::template Atomic<uint64_t> lease_;
  typename Sync::template Atomic<uint32_t> busy_;
  alignas(128) Bins<Lane> bins_;
};

}  // namespace masu
