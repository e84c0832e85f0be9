// An owner's slabs: page runs cut into blocks of one class, or a run that is one block. Lease holder only.
//   open list   slabs with open blocks       full list   those without, whose blocks may be in the owner's bin
//   nobody's    full slabs that the owner gave up; whoever frees a block of one claims it, by its first page's tag, and
//               has the block. So memory goes to the threads that free it, not to those that once carved it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "heap/checks.h"
#include "heap/core.h"

namespace masu {

template <class Lane>
class Slabs {
  using Sync = typename Lane::Sync;
  using C = Classes<Lane>;
  using Map = PageMap<Sync>;
  enum List : uint8_t { kNone, kOpen, kFull };

 public:
  void init(Core<Lane>& core, uint32_t id, Stats<Sync>& stats) {
    core_ = &core;
    stats_ = &stats;
    id_ = id;
    for (auto& lists : heads_) {
      for (auto& head : lists) head = kNoPage;
    }
    for (auto& page : empty_) page = kNoPage;
    own_runs_ = Runs<Lane>(id);
    is_private_ = false;
  }

  // A private heap's pages are its own, and its slabs stay its.
  void become_private() { is_private_ = true; }
  Runs<Lane>& own_runs() { return own_runs_; }

  // Up to `want` blocks of the class in ascending addresses, from open slabs, else from a new one.
  unsigned take(ClassId c, uintptr_t* out, unsigned want) {
    unsigned got = 0;
    while (got < want) {
      PageId page = heads_[kOpen][c];
      if (page == kNoPage) {
        if (got > 0 || (page = carve(c)) == kNoPage) break;
      }
      got += take_open(page, out + got, want - got);
      if (map().slab(page).open == 0) move(page, kFull);
    }
    return got;
  }

  // A run of its own: alignment in pages. kNoPage where there is no memory.
  PageId alloc_run(ClassId c, unsigned align, bool& zero) {
    const PageId page = alloc_pages(C::slab_pages(c), align, zero);
    if (page != kNoPage) open_slab(page, c);
    return page;
  }

  // The block is in no cache and not live: its slab takes it back. `keep_empty`: one slab a class may stay.
  void put(uintptr_t block, bool keep_empty) {
    const PageId inner = map().page(block);
    const PageId page = map().slab_start(inner);
    Slab& slab = map().slab(page);
    const ClassId c = slab.cls;
    if (!C::is_packed(c)) return free_run(page, c);
    const size_t granule = map().granule(block);
    if (MASU_UNLIKELY(map().is_open(granule))) core_->internal("a block came back to its slab twice", block);
    map().set_open(granule);
    if (slab.listed != kOpen) move(page, kOpen);
    if (++slab.open < C::slab_blocks(c)) return;
    // Or the next refill would only carve it again.
    if (empty_[c] == kNoPage && keep_empty) {
      empty_[c] = page;
      return;
    }
    move(page, kNone);
    release(page);
  }

  void release_empty(ClassId c) {
    const PageId page = empty_[c];
    if (page == kNoPage) return;
    empty_[c] = kNoPage;
    move(page, kNone);
    release(page);
  }

  // --- slabs that change hands
  // The class's full slabs become nobody's. Precondition: no block of them waits here, that is: the bin is empty.
  void abandon(ClassId c) {
    if (is_private_) return;
    while (heads_[kFull][c] != kNoPage) {
      const PageId page = heads_[kFull][c];
      move(page, kNone);
      count(Event::kSlabAbandon, map().address(page));
      map().set_tags(page + 1, C::slab_pages(c) - 1, make_tag(kNobody, c));
      map().set_tag(page, make_tag(kNobody, c));
    }
  }

  // A slab that was nobody's when its page was looked at is ours now; or, where another was quicker, `owner` is whose.
  bool claim(PageId inner, uint32_t& owner) {
    const PageId page = map().slab_start(inner);
    const ClassId c = map().slab(page).cls;
    Tag tag = make_tag(kNobody, c);
    if (!map().claim_tag(page, tag, make_tag(id_, c))) {
      owner = owner_of(tag);
      return owner == id_;
    }
    map().set_tags(page + 1, C::slab_pages(c) - 1, make_tag(id_, c));
    count(Event::kSlabClaim, map().address(page));
    move(page, kFull);
    return true;
  }

  // A run has no neighbours, so its block takes it along. Precondition: its live bit is taken.
  void claim_run(uintptr_t block, ClassId c) {
    map().set_tag(map().page(block), make_tag(id_, c));
    count(Event::kRunClaim, block);
  }

  // At rest: lists are whole and every count agrees.
  bool check() {
    for (ClassId c = 0; c < C::kCount; ++c) {
      if (!check_list(kOpen, c) || !check_list(kFull, c)) return false;
    }
    return own_runs_.check(*core_);
  }

 private:
  Map& map() { return core_->arena.map(); }
  MASU_INLINE void count(Event e, uintptr_t what) {
    stats_->count(e);
    Lane::note(e, id_, what);
  }

  PageId alloc_pages(unsigned pages, unsigned align, bool& zero) {
    return is_private_ ? own_runs_.alloc(*core_, pages, align, zero, *stats_) : core_->alloc_pages(pages, align, zero, *stats_);
  }
  void free_pages(PageId page, unsigned pages) {
    if (!is_private_) return core_->free_pages(page, pages, *stats_);
    own_runs_.free(*core_, page, pages, core_->now_ms.load(std::memory_order_relaxed), *stats_);  // relaxed: a clock
  }

  void free_run(PageId page, ClassId c) {
    map().end_slab(page, 1);
    count(Event::kSlabRelease, map().address(page));
    free_pages(page, C::slab_pages(c));
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

  // A new slab with all blocks open, first in the list.
  PageId carve(ClassId c) {
    bool zero = false;
    const unsigned pages = C::slab_pages(c);
    const PageId page = alloc_pages(pages, kSlabAlign, zero);
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
    move(page, kOpen);
    return page;
  }

  void open_slab(PageId page, ClassId c) {
    map().slab(page) = Slab{{{kNoPage, kNoPage}}, 0, static_cast<uint8_t>(c), 0, kNone, 1, 0};
    map().set_tag(page, make_tag(id_, c));
  }

  // All its blocks are open and it is in no list.
  void release(PageId page) {
    Slab& slab = map().slab(page);
    const unsigned pages = C::slab_pages(slab.cls);
    uint64_t* words = map().open_words(page);
    for (unsigned i = 0; i < pages * Map::kWordsPerPage; ++i) words[i] = 0;
    map().end_slab(page, pages);
    count(Event::kSlabRelease, map().address(page));
    free_pages(page, pages);
  }

  // From the list it is in, if any, to the head of another, if any.
  void move(PageId page, List to) {
    Slab& slab = map().slab(page);
    if (slab.listed != kNone) {
      (slab.prev == kNoPage ? heads_[slab.listed][slab.cls] : map().slab(slab.prev).next) = slab.next;
      if (slab.next != kNoPage) map().slab(slab.next).prev = slab.prev;
    }
    slab.listed = to;
    if (to == kNone) return;
    PageId& head = heads_[to][slab.cls];
    slab.prev = kNoPage;
    slab.next = head;
    if (head != kNoPage) map().slab(head).prev = page;
    head = page;
  }

  bool check_list(List list, ClassId c) {
    PageId prev = kNoPage;
    unsigned steps = 0;
    for (PageId page = heads_[list][c]; page != kNoPage; prev = page, page = map().slab(page).next) {
      const Slab& slab = map().slab(page);
      if (++steps > (1u << 24) || slab.prev != prev || slab.cls != c || slab.listed != list || slab.used != 1) return false;
      if (owner_of(map().tag(page)) != id_ || (slab.open == 0) != (list == kFull)) return false;
      if ((slab.open == C::slab_blocks(c)) != (empty_[c] == page)) return false;
      unsigned open = 0;
      for (unsigned i = 0; i < C::slab_pages(c); ++i) open += map().open_in_page(page + i);
      if (open != slab.open) return false;
    }
    return true;
  }

  Core<Lane>* core_;
  Stats<Sync>* stats_;
  uint32_t id_;
  bool is_private_;
  PageId heads_[3][C::kCount];  // by list and class; none is in list kNone
  PageId empty_[C::kCount];     // the one open slab whose blocks are all open, if any
  Runs<Lane> own_runs_;         // a private heap's
};

}  // namespace masu
