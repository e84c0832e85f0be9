// Records of the blocks inside the arena. Each 2 MiB segment has a shadow, mapped when its first block is
// handed out. It is cut into zones by block size, so that records of one slab are neighbours and none is
// wasted:
//   record = shadow[segment] + zone(class) + page * (kPage >> log2 of the class's size) * 32 / .. + index *
//   32
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
  static constexpr size_t kHeaderBytes = kPage;

  static constexpr size_t zone_page_bytes(unsigned zone) { return kPage >> zone; }
  static constexpr size_t zone_offset(unsigned zone) {
    size_t at = kHeaderBytes;
    for (unsigned z = 0; z < zone; ++z) at += zone_page_bytes(z) * DebugLane::kSegmentPages;
    return at;
  }

  uint32_t inverse[C::kCount] = {};
  uint32_t offset[C::kCount] = {};
  uint8_t zone[C::kCount] = {};

  constexpr ShadowLayout() {
    for (ClassId c = 0; c < C::kCount; ++c) {
      const unsigned width = static_cast<unsigned>(std::bit_width(C::size(c))) - 1;
      zone[c] = static_cast<uint8_t>(width < 5 ? 0 : min_of(width - 5, kZones - 1));
      offset[c] = static_cast<uint32_t>(zone_offset(zone[c]));
      // Exact for offsets below 2^16 (a packed slab) and sizes from 32: the error stays below one part in the size.
      inverse[c] = static_cast<uint32_t>(((uint64_t{1} << 32) + C::size(c) - 1) / C::size(c));
    }
  }
};

class Shadow {
 public:
  using C = Classes<DebugLane>;
  using ArenaT = Arena<DebugLane>;
  static constexpr size_t kMinBlock = sizeof(Record);

  // Once, before any block is handed out.
  bool place(InnerHeap& heap);
  bool placed() const { return segments_ != nullptr; }

  // The place of a block's record, and the record; null where there is no memory for its segment's shadow.
  MASU_INLINE Record* of_block(uintptr_t block, ClassId c, size_t& place) {
    const PageId page = map_->slab_start(map_->page(block));
    Header* shadow = shadow_of(ArenaT::segment_of(page));
    if (MASU_UNLIKELY(shadow == nullptr) && (shadow = add_shadow(ArenaT::segment_of(page))) == nullptr)
      return nullptr;
    place = place_of(page, c, index_in_slab(block - map_->address(page), c));
    return record(shadow, place);
  }

  // What the front of a block that begins at `user` says; false where there is no whole front. Aligned blocks have
  // their cell's begin elsewhere: `cell` is filled for others only.
  MASU_INLINE bool front_at(uintptr_t user, Facts& facts, Cell& cell) const {
    const uintptr_t offset = user - kFront - base_;
    if (MASU_UNLIKELY(offset >= bytes_ || user % kGranule != 0)) return false;
    const SegmentId s = static_cast<SegmentId>(offset / ArenaT::kSegmentBytes);
    Header* shadow = shadow_of(s);
    if (MASU_UNLIKELY(shadow == nullptr || !arena_->is_used(s)) || !Front::before(user).sealed(user, facts)) return false;
    set_cell(shadow, user, facts, cell);
    return true;
  }

  // The same for the block around `p`, without any search: false for many, locate() knows them.
  MASU_INLINE bool front_around(uintptr_t p, Facts& facts, Cell& cell) const {
    const uintptr_t offset = p - base_;
    if (MASU_UNLIKELY(offset >= map_->granules() * kGranule)) return false;
    const Tag tag = map_->tag(static_cast<PageId>(offset >> kPageShift));
    if (MASU_UNLIKELY(owner_of(tag) == 0)) return false;
    const ClassId c = class_of(tag);
    const PageId page = map_->slab_start(static_cast<PageId>(offset >> kPageShift));
    Header* shadow = shadow_of(ArenaT::segment_of(page));
    if (MASU_UNLIKELY(shadow == nullptr)) return false;
    const uintptr_t slab = map_->address(page);
    const uintptr_t user = slab + index_in_slab(p - slab, c) * C::size(c) + kFront;
    if (!Front::before(user).sealed(user, facts)) return false;
    set_cell(shadow, user, facts, cell);
    return true;
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
  Facts facts_of(const Cell& cell) const {
    const auto* shadow = reinterpret_cast<const char*>(shadow_of(ArenaT::segment_of(map_->page(cell.user))));
    const Record& r = *cell.record;
    const size_t place = static_cast<size_t>(reinterpret_cast<const char*>(&r) - shadow) / sizeof(Record);
    return Facts::of(r.size(), place, r.cls, r.family, r.align_log2);
  }

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
          if (is_untouched(begin, *record(shadow, place_of(page, c, i)))) visit(begin, begin + C::size(c));
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
    return is_untouched(begin, *record(shadow_of(ArenaT::segment_of(page)), place_of(page, c, index)));
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
  static constexpr size_t kShadowBytes = ShadowLayout::zone_offset(ShadowLayout::kZones);
  static constexpr ShadowLayout kLayout{};
  static_assert(kShadowBytes / sizeof(Record) <= size_t{1} << Facts::kRecordBits && C::kMaxSize < size_t{1} << Facts::kSizeBits);

  static MASU_INLINE size_t index_in_slab(size_t offset, ClassId c) {
    return C::is_packed(c) ? (offset * kLayout.inverse[c]) >> 32 : 0;
  }
  static MASU_INLINE size_t place_of(PageId page, ClassId c, size_t index) {
    const size_t in_segment = page % DebugLane::kSegmentPages;
    return (kLayout.offset[c] + in_segment * ShadowLayout::zone_page_bytes(kLayout.zone[c])) / sizeof(Record) + index;
  }
  static MASU_INLINE Record* record(Header* shadow, size_t place) { return reinterpret_cast<Record*>(shadow) + place; }
  static MASU_INLINE void set_cell(Header* shadow, uintptr_t user, Facts facts, Cell& cell) {
    cell.record = record(shadow, facts.record());
    cell.begin = user - kFront;
    cell.end = cell.begin + C::size(facts.cls());
    cell.user = user;
    cell.size = facts.size();
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
