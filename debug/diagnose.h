// What is wrong with an address: pure functions of the shadow, the paged blocks, the quarantine and the address.
#pragma once

#include "debug/finding.h"
#include "debug/paged.h"
#include "debug/quarantine.h"
#include "debug/raw_memory.h"
#include "debug/shadow.h"

namespace masu::debug {

struct View {
  const Shadow& shadow;
  const PagedBlocks& paged;
  const Quarantine& quarantine;
};

// The cell around the address; for a paged block its guard page counts as its own. Its record is settled, unless a
// free is under way.
bool locate(const View& view, uintptr_t p, Cell& cell);

// An address that is no live block's start was given to free, realloc or malloc_usable_size: double-free where a
// block began there, else `wild`.
void diagnose_pointer(const View& view, uintptr_t p, Kind wild, Finding& f);

// Memory at [p, p + bytes) was or will be touched: a use after free, or an overflow of the nearest block.
// False where the access is fine, or the address is nothing we know.
bool diagnose_access(const View& view, uintptr_t p, size_t bytes, Finding& f);

// An access of the paged blocks' range faulted at `p`.
bool diagnose_guard(const View& view, uintptr_t p, size_t bytes, Finding& f);

// A live or quarantined cell whose red zones or poison changed. False where it is whole.
bool diagnose_cell(const View& view, const Cell& cell, Finding& f);

// Memory of a slab that nobody ever had, [begin, end), which does not read as zero: the nearest block before it was left,
// else the one behind. False where it is whole, or was handed out meanwhile.
bool diagnose_untouched(const View& view, uintptr_t begin, uintptr_t end, Finding& f);

// The quick form of the question, front apart: whether a live cell's tail is whole.
MASU_INLINE bool whole_tail(const Cell& cell) { return damage_behind(kCanary, cell.user_end(), cell.end) == 0; }

// The part of a cell before the block that is checked: canaries, in the arena then its front (front.h).
inline uintptr_t front_of(const Cell& cell) {
  return max_of(cell.begin, cell.user - 64);
}
void mend_front(const Cell& cell, bool live);

}  // namespace masu::debug
