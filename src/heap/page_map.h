// Per page and per granule state, out of line, for the whole arena:
//   tag(page)    0 unknown, else owner << kClassBits | class; kTagFree: committed, no block starts in it
//   live(block)  one bit a granule: a live block starts here. Written by the owner's lease holder only (a run's, in
//                a word of its own, also by who frees it remotely);
//                others may read it for a block that was handed to them.
//   open(block)  one bit a granule: a block in its slab, free for a refill. Lease holder only.
//   slab(page)   descriptor of the slab that starts there; `back` leads from an inner page to it.
// Invariant: a block start is in at most one of live, open, a cache, a chain.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/attributes.h"
#include "base/bits.h"
#include "base/size_class.h"

namespace masu {

using PageId = uint32_t;
constexpr PageId kNoPage = UINT32_MAX;

using Tag = uint32_t;
constexpr Tag kTagUnmapped = 0;
constexpr Tag kTagFree = 1;
// No owner's id: a slab that its owner gave up. No block of it is anywhere but with the program or on its way.
constexpr uint32_t kNobody = (1u << (32 - kClassBits)) - 2;
constexpr uint32_t owner_of(Tag tag) { return tag >> kClassBits; }
constexpr ClassId class_of(Tag tag) { return tag & ((1u << kClassBits) - 1); }
constexpr Tag make_tag(uint32_t owner, ClassId cls) { return owner << kClassBits | cls; }

struct Slab {
  union {
    struct {
      PageId next, prev;  // in its owner's list of slabs with open blocks
    };
    uintptr_t link;       // of a run's only block, while it is on its way to its owner
  };
  uint16_t open;      // blocks open in it
  uint8_t cls;
  uint8_t back;       // pages back to the slab's first
  uint8_t listed;     // the list it is in, see slabs.h
  uint8_t used;       // on the first page of a slab: 1 in use, 2 gone, and nothing else has begun there since
  uint16_t zero;      // checked lanes: carved from pages that read as zero

  // relaxed: evidence for a fault, which may be a moment old.
  void mark_gone() { std::atomic_ref<uint8_t>(used).store(2, std::memory_order_relaxed); }
  bool gone() const { return std::atomic_ref<uint8_t>(const_cast<uint8_t&>(used)).load(std::memory_order_relaxed) == 2; }
};
static_assert(sizeof(Slab) == 16);

template <class Sync>
class PageMap {
  using AtomicTag = typename Sync::template Atomic<Tag>;
  using AtomicWord = typename Sync::template Atomic<uint64_t>;

 public:
  static constexpr size_t kWordsPerPage = kGranulesPerPage / 64;

  // Of the tables: each begins a page of the machine.
  static size_t table_bytes(size_t pages, size_t machine_page) {
    return 2 * align_up(pages * kWordsPerPage * sizeof(uint64_t), machine_page) + align_up(pages * sizeof(Slab), machine_page) +
           align_up(pages * sizeof(AtomicTag), machine_page);
  }

  // `tables` is a reserved range of table_bytes(); parts become usable by commit_pages.
  void place(void* tables, uintptr_t base, size_t pages, size_t machine_page) {
    base_ = base;
    pages_ = reserved_ = pages;
    char* at = static_cast<char*>(tables);
    auto next = [&at, pages, machine_page](size_t bytes_per_page) {
      char* table = at;
      at += align_up(pages * bytes_per_page, machine_page);
      return table;
    };
    live_ = reinterpret_cast<AtomicWord*>(next(kWordsPerPage * sizeof(AtomicWord)));
    live_from_zero_ = live_ - (base >> (kGranuleShift + 6));
    open_ = reinterpret_cast<uint64_t*>(next(kWordsPerPage * sizeof(uint64_t)));
    slabs_ = reinterpret_cast<Slab*>(next(sizeof(Slab)));
    tags_ = reinterpret_cast<AtomicTag*>(next(sizeof(AtomicTag)));
  }

  // Gives the tables' address space from this page on back; it is claimed where it is needed after all.
  template <class Os>
  void unreserve(Os& os, size_t pages) {
    unmap_tables(os, pages, reserved_);
    reserved_ = pages;
  }
  template <class Os>
  void unmap_all(Os& os) {
    unmap_tables(os, 0, max_of(reserved_, granules() / kGranulesPerPage));
  }

  // Tables are committed from the first page on; what lies behind them is as foreign as any other address.
  template <class Os>
  bool commit_pages(Os& os, PageId first, size_t pages) {
    const bool was_watched = watched();
    const bool good = first < reserved_ ? each_table(os, first, pages, [&os](void* at, size_t n) { return os.commit(at, n); })
                                        : claim_tables(os, first, pages);
    // release, pairs with nothing: a thread that was handed a block there was handed it after this.
    if (good) granules_.store((first + pages) * kGranulesPerPage, std::memory_order_release);
    set_watched(was_watched);
    return good;
  }

  // Pages of the arena whose tags fill a page of the machine.
  static size_t tag_unit(size_t machine_page) { return machine_page / sizeof(AtomicTag); }
  // Gives back what lies in whole machine pages of the tables of pages that belong to nobody: it is zero, but for what slab
  // descriptors say of slabs that are gone.
  template <class Os>
  void purge(Os& os, PageId first, size_t pages) {
    each_table<true>(os, first, pages, [&os](void* at, size_t bytes) {
      os.purge(at, bytes);
      return true;
    });
  }

  // Granule of an address: >= granules() for whatever lies outside the pages in use or off the granule grid.
  MASU_INLINE size_t granule(uintptr_t p) const { return std::rotr(p - base_, kGranuleShift); }
  // relaxed: see commit_pages().
  MASU_INLINE size_t granules() const { return granules_.load(std::memory_order_relaxed); }
  // The same question by a bound that is 0 while the heap is watched (arena.h), so that free() goes its slow way then.
  MASU_INLINE bool in_use(size_t granule) const { return Sync::below(granule, quick_); }
  // relaxed: a moment old. Not before there is anything to free.
  bool watched() const { return quick_.load(std::memory_order_relaxed) == 0 && granules() != 0; }
  void set_watched(bool on) { quick_.store(on ? 0 : granules(), std::memory_order_relaxed); }  // relaxed: as granules()
  // Inside the range, in use or not.
  MASU_INLINE bool covers(uintptr_t p) const { return p - base_ < pages_ * kPage; }

  MASU_INLINE static size_t page_of_granule(size_t granule) { return granule / kGranulesPerPage; }
  PageId page(uintptr_t p) const { return static_cast<PageId>((p - base_) >> kPageShift); }
  uintptr_t address(PageId page) const { return base_ + (static_cast<uintptr_t>(page) << kPageShift); }
  uintptr_t base() const { return base_; }

  // relaxed: whoever holds a block's address got it after its page was tagged.
  MASU_INLINE Tag tag(size_t page) const { return tags_[page].load(std::memory_order_relaxed); }
  // Of a block whose page may have changed hands meanwhile: acquire, so that its new owner, who tagged it, is there to be
  // looked up.
  Tag home_tag(size_t page) const { return tags_[page].load(std::memory_order_acquire); }
  void set_tag(PageId page, Tag tag) { tags_[page].store(tag, std::memory_order_release); }  // pairs with home_tag()
  // A slab that nobody owns becomes an owner's by its first page's tag; false, and `tag` is what it is, where another was
  // quicker. acquire, pairs with set_tag(): whoever gave it up is done with it; release: as set_tag().
  bool claim_tag(PageId page, Tag& tag, Tag mine) {
    return tags_[page].compare_exchange_strong(tag, mine, std::memory_order_acq_rel, std::memory_order_acquire);
  }
  void set_tags(PageId first, unsigned pages, Tag tag) {
    for (unsigned i = 0; i < pages; ++i) set_tag(first + i, tag);
  }
  // No slab begins at the page any more; the first `pages` of it were tagged.
  void end_slab(PageId page, unsigned pages) {
    set_tags(page, pages, kTagFree);
    slab(page).mark_gone();
  }

  // relaxed: one writer, and a reader that was handed the block sees it live.
  MASU_INLINE bool is_live(size_t granule) const {
    return (live_[granule / 64].load(std::memory_order_relaxed) >> (granule % 64)) & 1;
  }
  unsigned live_in_page(PageId page) const {
    unsigned n = 0;
    for (size_t i = page * kWordsPerPage; i < (page + size_t{1}) * kWordsPerPage; ++i) {
      n += static_cast<unsigned>(std::popcount(live_[i].load(std::memory_order_relaxed)));  // relaxed: as above
    }
    return n;
  }
  // Flips the bit of an arena block to live; false where it already was.
  MASU_INLINE bool set_live(uintptr_t block) {
    const size_t granule = block >> kGranuleShift;
    uint64_t bits = live_from_zero_[granule / 64].load(std::memory_order_relaxed);
    const bool was = masu_bit_set(bits, granule);
    live_from_zero_[granule / 64].store(bits, std::memory_order_relaxed);
    return !was;
  }
  // Flips it to not live; false, and nothing is changed, where it was not.
  MASU_INLINE bool clear_live(size_t granule) {
    uint64_t bits = live_[granule / 64].load(std::memory_order_relaxed);
    if (MASU_UNLIKELY(!masu_bit_clear(bits, granule))) return false;
    live_[granule / 64].store(bits, std::memory_order_relaxed);
    return true;
  }
  // For a run's block, which shares its word with no other: of threads that free it at once, one wins.
  bool take_live(size_t granule) {
    const uint64_t bit = uint64_t{1} << (granule % 64);
    // relaxed: decides who frees; the inbox publishes the block.
    return (live_[granule / 64].fetch_and(~bit, std::memory_order_relaxed) & bit) != 0;
  }

  uint64_t* open_words(PageId page) { return open_ + page * kWordsPerPage; }
  const uint64_t* open_words(PageId page) const { return open_ + page * kWordsPerPage; }
  unsigned open_in_page(PageId page) const {
    unsigned n = 0;
    for (size_t i = 0; i < kWordsPerPage; ++i) n += static_cast<unsigned>(std::popcount(open_words(page)[i]));
    return n;
  }
  bool is_open(size_t granule) const { return (open_[granule / 64] >> (granule % 64)) & 1; }
  void set_open(size_t granule) { open_[granule / 64] |= uint64_t{1} << (granule % 64); }

  // Forgets every block of the page.
  void clear_page(PageId page) {
    for (size_t i = 0; i < kWordsPerPage; ++i) {
      live_[page * kWordsPerPage + i].store(0, std::memory_order_relaxed);  // relaxed: as set_live
      open_words(page)[i] = 0;
    }
    slabs_[page] = Slab{};
    set_tag(page, kTagFree);
  }

  Slab& slab(PageId page) { return slabs_[page]; }
  const Slab& slab(PageId page) const { return slabs_[page]; }
  PageId slab_start(PageId page) const { return page - slabs_[page].back; }

 private:
  // visit(address, bytes) -> whether to go on, for each table's whole machine pages of some pages of the arena. A machine
  // page that serves the pages before `first` too is not among them, as it was when those were visited; with kWhole neither is
  // one that serves the pages behind.
  template <bool kWhole = false, class Os, class Visit>
  bool each_table(Os& os, size_t first, size_t pages, Visit&& visit) {
    const size_t unit = os.page_size();
    auto table = [&](auto* entries, size_t per_page) {
      const uintptr_t begin = reinterpret_cast<uintptr_t>(entries);
      const size_t from = align_up(first * per_page * sizeof(*entries), unit);
      const size_t end = (first + pages) * per_page * sizeof(*entries);
      const size_t to = kWhole ? align_down(end, unit) : align_up(end, unit);
      return from >= to || visit(reinterpret_cast<void*>(begin + from), to - from);
    };
    return table(live_, kWordsPerPage) && table(open_, kWordsPerPage) && table(slabs_, 1) && table(tags_, 1);
  }

  template <class Os>
  void unmap_tables(Os& os, size_t first, size_t end) {
    each_table(os, first, end - first, [&os](void* at, size_t bytes) {
      os.unmap(at, bytes);
      return true;
    });
  }

  // All of them or none: what was claimed before one failed is given back.
  template <class Os>
  bool claim_tables(Os& os, PageId first, size_t pages) {
    unsigned claimed = 0;
    if (each_table(os, first, pages, [&](void* at, size_t n) { return os.claim(at, n) && ++claimed != 0; })) return true;
    each_table(os, first, pages, [&](void* at, size_t n) {
      if (claimed == 0) return false;
      --claimed;
      os.unmap(at, n);
      return true;
    });
    return false;
  }

  uintptr_t base_ = 0;
  size_t pages_ = 0;
  size_t reserved_ = 0;  // pages whose tables lie in reserved address space
  typename Sync::template Atomic<size_t> granules_{0};
  typename Sync::template Atomic<size_t> quick_{0};  // the same, or 0
  AtomicWord* live_ = nullptr;
  AtomicWord* live_from_zero_ = nullptr;  // live_ as if the arena began at address 0
  AtomicTag* tags_ = nullptr;
  uint64_t* open_ = nullptr;
  Slab* slabs_ = nullptr;
};

}  // namespace masu
