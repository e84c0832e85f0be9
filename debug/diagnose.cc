#include "debug/diagnose.h"

#include "debug/layout.h"
#include "debug/raw_memory.h"
#include "os/linux.h"

namespace masu::debug {
namespace {

constexpr size_t kFarPages = 4096;  // how far behind the last block an access is still laid to it

// Nobody can know how many bytes one store wrote; a run of 2, 4 or 8 changed bytes was most likely one store.
size_t likely_store(uintptr_t damage, uintptr_t end) {
  const size_t bytes = end - damage;
  return bytes == 2 || bytes == 4 || bytes == 8 ? bytes : 1;
}

void set_damage(Finding& f, const Cell& cell, Kind kind, uintptr_t damage, uintptr_t end) {
  f.kind = kind;
  f.access = Access::kWrite;
  f.address = f.damage = damage;
  f.damage_end = end;
  f.bytes = likely_store(damage, end);
  f.after_the_fact = true;
  f.block = facts_of(cell);
}

// A free under way will say its thread and stack in a moment, or not at all where it waits to report: 0.1 s at most.
BlockFacts settled_facts_of(const View& view, const Cell& cell) {
  constexpr unsigned kYields = 500;
  for (unsigned i = 0; i < kYields && state_of(cell) == State::kFreeing; ++i) {
    linux_yield();
    view.quarantine.settle();
  }
  return facts_of(cell);
}

bool held(const Cell& cell) { return Shadow::is_held(*cell.record); }

// What lies behind a held cell's block: a freed one is poisoned up to its cell's end.
uint64_t tail_pattern(const Cell& cell) {
  return state_of(cell) == State::kQuarantined && !cell.paged ? kPoison : kCanary;
}

// Changed bytes in front of a cell's block came from the block before it if that one's tail (at least kTail bytes) is
// changed up to its end.
bool from_previous(const View& view, const Cell& cell, uintptr_t damage, Cell& previous) {
  if (damage != cell.begin || cell.paged || !locate(view, cell.begin - 1, previous) || !held(previous)) return false;
  const uintptr_t last = previous.end - 1;
  return *reinterpret_cast<const uint8_t*>(last) != pattern_byte(tail_pattern(previous), last);
}

// First changed byte of a cell's front, and the end of the last one; cell.user where it is whole. What its life
// should be is not known for sure: a free may be under way.
uintptr_t front_damage(const Cell& cell, uintptr_t& damage_end) {
  const uintptr_t front = front_of(cell);
  if (cell.paged) {
    const uintptr_t bad = first_damage(kCanary, front, cell.user);
    damage_end = last_damage(kCanary, bad, cell.user);
    return bad;
  }
  const uintptr_t words = cell.user - sizeof(Front);
  const Facts found(Front::before(cell.user).facts.load(std::memory_order_relaxed));  // relaxed: as Front has it
  const Facts live = Shadow::facts_of(*cell.record);
  const uint64_t expected[] = {live.seal(cell.user), (found.has_ended() ? live.ended() : live).word()};
  uintptr_t bad = cell.user;
  damage_end = front;
  for (uintptr_t at = front; at < cell.user; ++at) {
    const uint8_t byte = at < words ? pattern_byte(kCanary, at) : pattern_byte(expected[(at - words) / 8], at);
    if (*reinterpret_cast<const uint8_t*>(at) == byte) continue;
    bad = min_of(bad, at);
    damage_end = at + 1;
  }
  return bad;
}

}  // namespace

void mend_front(const Cell& cell, bool live) {
  fill_pattern(kCanary, front_of(cell), cell.user);
  if (cell.paged) return;
  const Facts facts = Shadow::facts_of(*cell.record);
  Front& front = Front::before(cell.user);
  front.put(facts, cell.user);
  if (!live) front.facts.store(facts.ended().word(), std::memory_order_relaxed);  // relaxed: as put()
}

bool locate(const View& view, uintptr_t p, Cell& cell) {
  if (PagedBlocks::Slot* slot = view.paged.find(p); slot != nullptr) {
    if (slot->record.state.load(std::memory_order_acquire) == State::kNever) return false;  // acquire: as is_held()
    cell = PagedBlocks::cell(*slot);
    return true;
  }
  if (!view.shadow.locate(p, cell)) return false;
  // Where the front does not vouch for life, the quarantine is asked.
  if (Facts facts(0); cell.record->state.load(std::memory_order_acquire) == State::kLive &&  // acquire: as state_of()
                      !(Front::before(cell.user).sealed(cell.user, facts) && facts.live())) {
    view.quarantine.settle();
  }
  return true;
}

void diagnose_pointer(const View& view, uintptr_t p, Kind wild, Finding& f) {
  f.address = p;
  f.kind = wild;
  Cell cell;
  if (!locate(view, p, cell)) return;
  f.block = settled_facts_of(view, cell);
  if (p == cell.user && wild == Kind::kBadFree) f.kind = Kind::kDoubleFree;
}

bool diagnose_access(const View& view, uintptr_t p, size_t bytes, Finding& f) {
  Cell cell;
  if (!locate(view, p, cell)) return false;
  f.block = settled_facts_of(view, cell);
  f.bytes = bytes;
  f.address = p;
  if (f.block.state != State::kLive) {
    f.kind = Kind::kUseAfterFree;
    return true;
  }
  const uintptr_t end = cell.user_end();
  if (p >= cell.user && bytes <= end - p && p <= end) return false;
  f.kind = Kind::kOverflow;
  if (p >= cell.user && p < end) f.address = end;
  if (p >= cell.begin && p < cell.user && !cell.paged) {
    // Just behind the block before is likelier than before this one, where that block's tail is shorter.
    Cell previous;
    if (locate(view, cell.begin - 1, previous) && held(previous) &&
        p - previous.user_end() < cell.user - p) {
      f.block = facts_of(previous);
      f.guessed = true;
    }
  }
  return true;
}

// A guard page lies between two slots: the nearer block is the likelier one to have been left.
bool diagnose_guard(const View& view, uintptr_t p, size_t bytes, Finding& f) {
  f.address = p;
  f.bytes = bytes;
  f.kind = Kind::kOverflow;
  PagedBlocks::Slot* slot = view.paged.find(p);
  PagedBlocks::Slot* after = view.paged.find(align_down(p, kPage) + kPage);
  if (slot == nullptr) slot = after;
  for (uintptr_t back = p; slot == nullptr && p - back < kFarPages * kPage && view.paged.covers(back); back -= kPage) {
    slot = view.paged.find(back);
    f.guessed = true;
  }
  if (slot == nullptr) return false;
  if (after != nullptr && after != slot && after->user - p < p - PagedBlocks::cell(*slot).user_end() &&
      after->record.state.load(std::memory_order_acquire) == State::kLive) {  // acquire, pairs with hand_out()
    slot = after;
    f.guessed = true;
  }
  f.block = facts_of(PagedBlocks::cell(*slot));
  const bool in_pages = p - slot->data < slot->pages * kPage;
  if (f.block.state != State::kLive && in_pages) f.kind = Kind::kUseAfterFree;
  return f.block.state != State::kNever;
}

bool diagnose_cell(const View& view, const Cell& cell, Finding& f) {
  const State state = state_of(cell);
  const bool freed = state == State::kQuarantined && !cell.paged;
  if (!freed && state != State::kLive && state != State::kFreeing) return false;
  const Kind kind = freed ? Kind::kUseAfterFree : Kind::kOverflow;
  const uint64_t pattern = freed ? kPoison : kCanary;
  const uintptr_t bad = first_damage(pattern, freed ? cell.user : cell.user_end(), cell.end);
  if (bad != cell.end) {
    // A changed block and its changed tail are two things: the block's is told first.
    const uintptr_t bound = bad < cell.user_end() ? cell.user_end() : cell.end;
    set_damage(f, cell, kind, bad, last_damage(pattern, bad, bound));
    return true;
  }
  uintptr_t bad_end = 0;
  const uintptr_t before = front_damage(cell, bad_end);
  if (before == cell.user) return false;
  Cell previous;
  if (from_previous(view, cell, before, previous)) {
    const uintptr_t tail = first_damage(tail_pattern(previous), previous.user_end(), previous.end);
    set_damage(f, previous, Kind::kOverflow, tail, bad_end);
  } else {
    set_damage(f, cell, kind, before, bad_end);
  }
  return true;
}

bool diagnose_untouched(const View& view, uintptr_t begin, uintptr_t end, Finding& f) {
  const auto is_zero = [](uintptr_t at) { return *reinterpret_cast<const uint8_t*>(at) == 0; };
  uintptr_t bad = begin, last = end;
  while (bad < end && word_at(bad) == 0) bad += sizeof(uint64_t);
  while (bad < end && is_zero(bad)) ++bad;
  while (last > bad && is_zero(last - 1)) --last;
  if (bad == last || !view.shadow.is_untouched(begin, end) || is_zero(bad)) return false;
  Cell cell;
  bool found = false;
  for (uintptr_t at = begin; !found && begin - at < kFarPages * kPage && view.shadow.covers(at - 1);) {
    at -= kGranule;
    found = view.shadow.locate(at, cell) && held(cell);
  }
  if (!found && !(view.shadow.locate(end, cell) && held(cell))) return false;
  set_damage(f, cell, Kind::kOverflow, bad, last);
  f.guessed = true;
  return true;
}

}  // namespace masu::debug
