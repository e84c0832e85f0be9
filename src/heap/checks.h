// What a checked lane verifies where blocks change hands; everything here folds to nothing in other lanes.
//   record   each block that a stranger frees has a word beside its segment, from that free to its owner's drain:
//              none -> kept (in a stash) -> sent (on a shared list, with its link) -> drained -> none
//            so a second push, a link that changed and a chain that bites its tail are seen in O(1), with no lock.
//   batch    a chain that is published: owner, blocks, bytes, head and tail as told, each block out.
//   astray   a block that enters a slab or leaves a spill: its owner's, a block's start, not live.
// Faults: a program's own (double free, stale write into a link) where it can cause them, else allocator-internal.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/attributes.h"
#include "heap/core.h"
#include "heap/inbox.h"

namespace masu {

template <class Lane>
class Checks {
  using Sync = typename Lane::Sync;
  using C = Classes<Lane>;
  using Map = PageMap<Sync>;
  enum State : uint32_t { kNone, kKept, kSent, kDrained };

 public:
  explicit Checks(Core<Lane>& core) : core_(core) {}

  // A stranger frees the block; false where one did before and its owner has not heard of it yet.
  MASU_INLINE bool begin(uintptr_t block) const {
    if constexpr (!Lane::kChecked) return true;
    uint32_t none = kNone;
    // relaxed: of racing frees one wins; the inbox publishes the rest.
    return record(block)->compare_exchange_strong(none, kKept, std::memory_order_relaxed);
  }

  // The chain [head, tail] goes to an inbox.
  MASU_INLINE void push(Inbox<Sync>& inbox, uintptr_t head, uintptr_t tail) const {
    if constexpr (Lane::kChecked) {
      inbox.push(*this, head, tail);
    } else {
      inbox.push(core_.links, head, tail);
    }
  }
  // As Inbox::push() asks for it: the link, and the record of it.
  void set(uintptr_t block, uintptr_t next) const {
    core_.links.set(block, next);
    put(block, kSent, next);
  }

  // A stash's chain is about to be published by a thread that works as `self`. A broken one is not to be.
  template <class Chain>
  MASU_NOINLINE bool batch(const Chain& chain, uint32_t self, uint32_t owners) const {
    if (chain.owner == 0 || chain.owner > owners) return internal("a batch for an owner that is none", chain.head);
    if (chain.owner == self) return internal("a batch for the thread's own owner", chain.head);
    size_t bytes = 0;
    uintptr_t block = chain.head, holder = 0;
    for (unsigned n = 1;; ++n) {
      if (!is_out(block)) {
        return holder == 0 ? internal("a batch begins with no block that is out", block) : stale_link(holder, "publish");
      }
      if (state_of(record(block)->load(std::memory_order_relaxed)) != kKept) {
        return internal("a block was pushed to a shared list twice", block);
      }
      bytes += C::size(class_of(map().tag(map().page(block))));
      put(block, kSent, 0);
      if ((block == chain.tail) != (n == chain.blocks)) return internal("a batch's length is not as told", block);
      if (block == chain.tail) break;
      const uintptr_t next = core_.links.get(block);
      put(block, kSent, next);
      holder = block;
      block = next;
    }
    return bytes == chain.bytes || internal("a batch's bytes are not as told", chain.head);
  }

  // All that was taken out of an inbox at once. Stops short of what is no block, or not out: the drain refuses it.
  MASU_INLINE bool drained(uintptr_t head) const {
    if constexpr (!Lane::kChecked) return true;
    else return whole_drain(head);
  }

  // The owner takes the block off its chain: the link is still the one it came with.
  MASU_INLINE bool taken(uintptr_t block) const {
    if constexpr (!Lane::kChecked) return true;
    if (!is_block(block)) return true;  // the drain refuses it
    const bool same = record(block)->load(std::memory_order_relaxed) == encode(kDrained, core_.links.get(block));
    put(block, kNone, 0);
    return same || !is_out(block) || stale_link(block, "drain");
  }

  // What is wrong with a block that is to enter a slab or leave a spill of the owner; null: nothing.
  MASU_INLINE const char* astray(uint32_t owner, uintptr_t block) const {
    if constexpr (!Lane::kChecked) return nullptr;
    if (owner_of(tag_of(block)) != owner) return "a cache holds what is not its owner's";
    const PageId page = map().page(block);
    const size_t inside = block - map().address(map().slab_start(page));
    if (inside % C::size(class_of(map().tag(page))) != 0) return "a cache holds what is no block's start";
    return map().is_live(map().granule(block)) ? "a cache holds a live block" : nullptr;
  }

  // Nothing is on its way to these pages any more.
  void forget(PageId first, unsigned pages) const {
    if constexpr (!Lane::kChecked) return;
    const uintptr_t begin = map().address(first);
    for (size_t at = 0; at < pages * kPage; at += kGranule) put(begin + at, kNone, 0);
  }

 private:
  static constexpr unsigned kStateBits = 2;
  static uint32_t encode(State state, uintptr_t next) {
    return static_cast<uint32_t>(next / kGranule) << kStateBits | state;  // the low 34 bits of an address
  }
  static State state_of(uint32_t word) { return static_cast<State>(word & ((1u << kStateBits) - 1)); }

  // relaxed, here and where it is read: the lists, or the program that hands the block on, order its users.
  std::atomic<uint32_t>* record(uintptr_t block) const { return core_.arena.record(block); }
  void put(uintptr_t block, State state, uintptr_t next) const {
    record(block)->store(encode(state, next), std::memory_order_relaxed);
  }

  bool stale_link(uintptr_t block, const char* where) const {
    core_.fault_link(block, where);
    return false;
  }
  bool internal(const char* detail, uintptr_t address) const {
    core_.internal(detail, address);
    return false;
  }

  Tag tag_of(uintptr_t block) const {
    const size_t granule = map().granule(block);
    return granule < map().granules() ? map().tag(Map::page_of_granule(granule)) : kTagUnmapped;
  }
  // Its slab may have changed hands since it was sent.
  bool is_block(uintptr_t block) const { return owner_of(tag_of(block)) != 0; }
  // Whether it is a block whose free is on its way: a run's live bit went with the free.
  bool is_out(uintptr_t block) const {
    return is_block(block) && map().is_live(map().granule(block)) == C::is_packed(class_of(map().tag(map().page(block))));
  }
  const Map& map() const { return core_.arena.map(); }

  // Each step turns one record from sent to drained, so the walk ends whatever the links say.
  MASU_NOINLINE bool whole_drain(uintptr_t head) const {
    for (uintptr_t block = head; block != 0;) {
      if (!is_block(block)) return true;
      const uint32_t word = record(block)->load(std::memory_order_relaxed);
      const uintptr_t next = core_.links.get(block);
      if (state_of(word) == kDrained) return internal("a chain runs in a circle", block);
      if (state_of(word) != kSent) return internal("a chain holds a block that nobody sent", block);
      if (word != encode(kSent, next)) return !is_out(block) || stale_link(block, "drain");
      put(block, kDrained, next);
      block = next;
    }
    return true;
  }

  Core<Lane>& core_;
};

}  // namespace masu
