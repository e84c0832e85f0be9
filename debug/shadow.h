// Records of the blocks inside the arena. Each 2 MiB segment has a shadow, mapped when its first block is
// handed out. It is cut into zones by block size, and these by pages, so that records of one slab are neighbours and few
// are wasted. A block's address and class tell where its record is; nothing is looked up:
//   record = shadow[segment] + zone(class) + offset in the segment >> log2 of the class's size
// Blocks of a page are of one class, at least its size apart, so no two have the same record.
// Records need no clearing when pages are carved anew: a slab is only given up when none of its blocks is
// live or quarantined, and a record names the class it was written for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "debug/block.h"
#include "debug/front.h"
#include "debug/layout.h"
#include "debug/lane.h"

namespace masu::debug {

// Zones by bit width of the class's size: 32, 64, .. 4096 and above.
struct ShadowLayout {
  using C = Classes<DebugLane>;
  static constexpr unsigned kZones = 8;
  static constexpr size_t kHeaderRecords = kPage / sizeof(Record);  // whose place the header has

  static constexpr unsigned zone_of(size_t size) {
    const unsigned width = static_cast<unsigned>(std::bit_width(size)) - 1;
    return width < 5 ? 0 : min_of(width - 5, kZones - 1);
  }
  // Records of a page in the zone, as a power of two.
  static constexpr unsigned page_log2(unsigned zone) { return kZones - 1 - zone; }
  static constexpr size_t first_of(unsigned zone) {
    size_t at = kHeaderRecords;
    for (unsigned z = 0; z < zone; ++z) at += size_t{DebugLane::kSegmentPages} << page_log2(z);
    return at;
  }

  uint32_t inverse[C::kCount] = {};  // 2^32 / size, rounded up
  uint32_t first[C::kCount] = {};    // record of the zone
  uint8_t shift[C::kCount] = {};     // log2 of the bytes that have one record in the zone

  constexpr ShadowLayout() {
    for (ClassId c = 0; c < C::kCount; ++c) {
      first[c] = static_cast<uint32_t>(first_of(zone_of(C::size(c))));
      shift[c] = static_cast<uint8_t>(kPageShift - page_log2(zone_of(C::size(c))));
      // Exact for offsets below 2^16 (a packed slab) and sizes from 32: the error stays below one part in the size.
      inverse[c] = static_cast<uint32_t>(((uint64_t{1} << 32) + C::size(c) - 1) / C::size(c));
    }
  }
  MASU_INLINE size_t index(size_t offset, ClassId c) const { return offset * inverse[c] >> 32; }
  // Of the block at an offset in its segment.
  MASU_INLINE size_t record(size_t offset, ClassId c) const { return first[c] + (offset >> shift[c]); }
};

class Shadow {
 public:
  using C = Classes<DebugLane>;
  using ArenaT = Arena<DebugLane>;
  static constexpr size_t kMinBlock = sizeof(Record);

  // Once, before any block is handed out.
  bool place(InnerHeap& heap);

  // A block's record; null where there is no memory for its segment's shadow.
  MASU_INLINE Record* of_block(uintptr_t block, ClassId c) {
    if (Record* r = known(block, c); MASU_LIKELY(r != nullptr)) return r;
    Header* shadow = add_shadow(segment_of(block));
    return shadow == nullptr ? nullptr : record(shadow, block, c);
  }
  // The same; null where its segment has no shadow yet.
  MASU_INLINE Record* known(uintptr_t block, ClassId c) const {
    Header* shadow = shadow_of(segment_of(block));
    return MASU_LIKELY(shadow != nullptr) ? record(shadow, block, c) : nullptr;
  }

  // What the front of a live block that begins at `user` says; false where there is no whole one.
  MASU_INLINE bool live_front_at(uintptr_t user, Facts& facts) const {
    const uintptr_t offset = user - kFront - base_;
    if (MASU_UNLIKELY(offset >= bytes_ || user % kGranule != 0)) return false;
    return MASU_LIKELY(arena_->is_used(static_cast<SegmentId>(offset / ArenaT::kSegmentBytes))) && Front::before(user).sealed_live(user, facts);
  }
  // The record of a block that has one.
  MASU_INLINE Record* of_made_block(uintptr_t block, ClassId c) const { return record(shadow_of(segment_of(block)), block, c); }

  // The front of the live block around `p`, without any search: false for many, locate() knows them.
  MASU_INLINE bool live_front_around(uintptr_t p, uintptr_t& user, Facts& facts) const {
    const uintptr_t offset = p - base_;
    if (MASU_UNLIKELY(offset >= map_->granules() * kGranule)) return false;
    const Tag tag = map_->tag(static_cast<PageId>(offset >> kPageShift));
    if (MASU_UNLIKELY(owner_of(tag) == 0)) return false;
    const ClassId c = class_of(tag);
    const uintptr_t slab = map_->address(map_->slab_start(static_cast<PageId>(offset >> kPageShift)));
    user = slab + index_in_slab(p - slab, c) * C::size(c) + kFront;
    return Front::before(user).sealed_live(user, facts) && facts.live();
  }

  // The cell whose record is known.
  static Cell cell_of_block(Record* record, uintptr_t begin) {
    return {record, begin, begin + C::size(record->cls), user_of_block(begin, record->align_log2), record->size(), false};
  }

  // Whether the segment of an address where a block once began can be read.
  MASU_INLINE bool in_use(uintptr_t user) const {
    return arena_->is_used(static_cast<SegmentId>((user - kFront - base_) / ArenaT::kSegmentBytes));
  }

  // The front that the record of a live block asks for.
  static Facts facts_of(const Record& r) { return Facts::of(r.size(), r.cls, r.family, r.align_log2); }

  // The cell around an address of the arena: false where no block was ever handed out around it.
  bool locate(uintptr_t p, Cell& cell) const;

  void range(uintptr_t& base, size_t& bytes) const {
    base = base_;
    bytes = bytes_;
  }
  MASU_INLINE bool covers(uintptr_t p) const { return p - base_ < bytes_; }

  // Tells inner pages of a run where it begins.
  void note_run(uintptr_t block, ClassId c) {
    const PageId page = map_->page(block);
    Header* shadow = shadow_of(ArenaT::segment_of(page));
    uint8_t* back = shadow->back + page % DebugLane::kSegmentPages;
    for (unsigned i = 1; i < C::slab_pages(c); ++i) back[i] = static_cast<uint8_t>(i);
  }

  // Visits the cells of all blocks whose record says they are live, being freed or quarantined.
  template <class Visit>
  void each(Visit&& visit) const {
    for (SegmentId s = 0, n = arena_->ever_used(); s < n; ++s) {
      if (shadow_of(s) == nullptr) continue;
      const PageId first = ArenaT::first_page(s);
      for (PageId page = first; page < first + DebugLane::kSegmentPages; ++page) {
        const Tag tag = map_->tag(page);
        if (owner_of(tag) == 0 || map_->slab_start(page) != page) continue;
        for (unsigned i = 0; i < C::slab_blocks(class_of(tag)); ++i) {
          Cell cell;
          if (cell_of(page, class_of(tag), i, cell) && is_held(*cell.record)) visit(cell);
        }
      }
    }
  }

  // Visits what lies in slabs and was never handed out: [begin, end) reads as zero, unless somebody wrote there.
  template <class Visit>
  void each_untouched(Visit&& visit) const {
    for (SegmentId s = 0, n = arena_->ever_used(); s < n; ++s) {
      Header* const shadow = shadow_of(s);
      const PageId first = ArenaT::first_page(s);
      for (PageId page = first; shadow != nullptr && page < first + DebugLane::kSegmentPages; ++page) {
        const Tag tag = map_->tag(page);
        if (owner_of(tag) == 0 || map_->slab_start(page) != page || !map_->slab(page).zero || !C::is_packed(class_of(tag))) continue;
        const ClassId c = class_of(tag);
        for (unsigned i = 0; i < C::slab_blocks(c); ++i) {
          const uintptr_t begin = map_->address(page) + i * C::size(c);
          if (is_untouched(begin, *record(shadow, begin, c))) visit(begin, begin + C::size(c));
        }
      }
    }
  }
  // Asked again after a look at the bytes: the slab may have ended meanwhile, and what is handed out is live in the heap
  // beneath first.
  bool is_untouched(uintptr_t begin, uintptr_t end) const {
    const PageId inner = map_->page(begin);
    const Tag tag = map_->tag(inner);
    const ClassId c = class_of(tag);
    if (owner_of(tag) == 0 || !C::is_packed(c) || end - begin != C::size(c)) return false;
    const PageId page = map_->slab_start(inner);
    const size_t index = index_in_slab(begin - map_->address(page), c);
    if (!map_->slab(page).zero || begin != map_->address(page) + index * C::size(c)) return false;
    return is_untouched(begin, *record(shadow_of(ArenaT::segment_of(page)), begin, c));
  }

  static bool is_held(const Record& r) {
    const State s =
        r.state.load(std::memory_order_acquire);  // acquire, pairs with the lane's releases of state
    return s == State::kLive || s == State::kFreeing || s == State::kQuarantined;
  }

 private:
  struct Header {
    uint8_t back[DebugLane::kSegmentPages];
  };
  bool is_untouched(uintptr_t begin, const Record& r) const {
    return r.state.load(std::memory_order_acquire) == State::kNever && !map_->is_live(map_->granule(begin));  // acquire: as is_held()
  }
  static constexpr ShadowLayout kLayout{};
  static constexpr size_t kShadowBytes = ShadowLayout::first_of(ShadowLayout::kZones) * sizeof(Record);
  static_assert(sizeof(Header) <= ShadowLayout::kHeaderRecords * sizeof(Record) && C::kMaxSize < size_t{1} << Facts::kSizeBits);

  static MASU_INLINE size_t index_in_slab(size_t offset, ClassId c) { return C::is_packed(c) ? kLayout.index(offset, c) : 0; }
  MASU_INLINE SegmentId segment_of(uintptr_t block) const { return static_cast<SegmentId>((block - base_) / ArenaT::kSegmentBytes); }
  MASU_INLINE static Record* record(Header* shadow, uintptr_t block, ClassId c) {
    return reinterpret_cast<Record*>(shadow) + kLayout.record(block % ArenaT::kSegmentBytes, c);
  }

  // acquire, pairs with add_shadow(): the mapping is there.
  MASU_INLINE Header* shadow_of(SegmentId s) const { return segments_[s].load(std::memory_order_acquire); }
  MASU_NOINLINE Header* add_shadow(SegmentId s);
  bool cell_of(PageId slab, ClassId c, size_t index, Cell& cell) const;

  const ArenaT* arena_ = nullptr;
  const PageMap<RealSync>* map_ = nullptr;
  uintptr_t base_ = 0;
  size_t bytes_ = 0;
  std::atomic<Header*>* segments_ = nullptr;
  InnerHeap* heap_ = nullptr;
};

}  // namespace masu::debug
