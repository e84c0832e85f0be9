// Size classes: which block size serves a request. Constant tables, any thread.
//   16..128 step 16, then four per doubling: at most 20 % of a block above 64 bytes is rounding.
//   up to kPackedMax several blocks share a slab; above it a block is a page run of its own
//   (sizes are then whole pages, so that freed pages serve every class).
//   powers of two are naturally aligned: slabs start on pages and block offsets are multiples of the size.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.h"

namespace masu {

using ClassId = uint32_t;

// One class id and an owner share a 32-bit page tag.
constexpr unsigned kClassBits = 6;
constexpr size_t kPackedMax = 8 * kKiB;
// Looked up by granules up to here: a branch at kPackedMax would be mispredicted by programs that mix sizes.
constexpr size_t kTableMax = 32 * kKiB;

// In pages. A line of live bits covers two pages, and every malloc and free writes there: no two slabs share one.
constexpr unsigned kSlabAlign = 2;

// Pages of a slab: enough blocks to make a refill worth its metadata, little enough that an
// emptied slab is likely, at most 1/32 lost behind the last block, and an even number, see kSlabAlign.
constexpr size_t slab_pages_for(size_t size) {
  if (size > kPackedMax) return size / kPage;
  const size_t want = min_of<size_t>(max_of<size_t>(size * 16, 2 * kPage), 16 * kPage);
  auto wasteful = [size](size_t pages) { return (pages * kPage) % size * 32 > pages * kPage; };
  size_t pages = align_up(div_up(want, kPage), kSlabAlign);
  while (pages < 16 && wasteful(pages)) pages += kSlabAlign;
  while (wasteful(pages)) pages -= kSlabAlign;
  return pages;
}

template <size_t kMaxRunPages>
class SizeClasses {
  static constexpr unsigned kMaxClasses = 1u << kClassBits;

 public:
  struct Tables {
    unsigned count = 0;
    unsigned packed = 0;
    uint32_t size[kMaxClasses] = {};
    uint8_t pages[kMaxClasses] = {};      // pages of a slab
    uint16_t blocks[kMaxClasses] = {};    // blocks of a slab
    uint8_t by_granules[kTableMax / kGranule + 1] = {};  // requests up to kTableMax
    uint8_t by_pages[kMaxRunPages + 1] = {};              // requests above it, and runs for smaller ones
  };

  static constexpr Tables make() {
    Tables t;
    auto add = [&t](size_t size) {
      t.size[t.count] = static_cast<uint32_t>(size);
      t.pages[t.count] = static_cast<uint8_t>(slab_pages_for(size));
      t.blocks[t.count] = static_cast<uint16_t>(slab_pages_for(size) * kPage / size);
      ++t.count;
    };
    for (size_t size = kGranule; size <= 128; size += kGranule) add(size);
    for (size_t base = 128; base < kPackedMax; base *= 2) {
      for (size_t i = 1; i <= 4; ++i) add(base + base / 4 * i);
    }
    t.packed = t.count;
    for (size_t pages = kPackedMax / kPage; pages < kMaxRunPages; pages *= 2) {
      for (size_t i = 1; i <= 4; ++i) {
        if (pages * i % 4 == 0) add((pages + pages * i / 4) * kPage);
      }
    }
    ClassId cls = 0;
    for (size_t i = 0; i <= kTableMax / kGranule; ++i) {
      while (t.size[cls] < i * kGranule) ++cls;
      t.by_granules[i] = static_cast<uint8_t>(cls);
    }
    for (size_t i = 0; i <= kMaxRunPages; ++i) {
      ClassId run = t.packed;
      while (t.size[run] < i * kPage) ++run;
      t.by_pages[i] = static_cast<uint8_t>(run);
    }
    return t;
  }

  static constexpr Tables kTables = make();

  static constexpr unsigned kCount = kTables.count;
  static constexpr unsigned kPacked = kTables.packed;  // classes below share slabs
  static constexpr size_t kMaxSize = kMaxRunPages * kPage;
  static_assert(kCount <= kMaxClasses && kTables.size[kCount - 1] == kMaxSize);

  // Bytes of a block of the class.
  static constexpr size_t size(ClassId cls) { return kTables.size[cls]; }
  static constexpr unsigned slab_pages(ClassId cls) { return kTables.pages[cls]; }
  static constexpr unsigned slab_blocks(ClassId cls) { return kTables.blocks[cls]; }
  static constexpr bool is_packed(size_t cls) { return cls < kPacked; }

  static MASU_INLINE constexpr size_t granules(size_t bytes) { return (bytes + kGranule - 1) >> kGranuleShift; }
  // Precondition: bytes <= kTableMax.
  static MASU_INLINE constexpr ClassId of_small(size_t bytes) { return kTables.by_granules[granules(bytes)]; }
  // Precondition: bytes <= kMaxSize; the class is that of a whole run even for small requests.
  static MASU_INLINE constexpr ClassId of_run(size_t bytes) {
    return kTables.by_pages[(bytes + kPage - 1) >> kPageShift];
  }
  // Precondition: bytes <= kMaxSize.
  static MASU_INLINE constexpr ClassId of(size_t bytes) {
    return bytes <= kTableMax ? of_small(bytes) : of_run(bytes);
  }
  // Smallest class >= bytes whose blocks are all aligned; precondition: align is a power of two,
  // align <= kPage, max(bytes, align) <= kMaxSize.
  static constexpr ClassId of_aligned(size_t bytes, size_t align) {
    ClassId cls = of(max_of(bytes, align));
    while (size(cls) % align != 0) ++cls;
    return cls;
  }
};

}  // namespace masu
