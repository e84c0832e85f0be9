#include "debug/checked.h"

#include <dlfcn.h>

#include "debug/heap.h"
#include "debug/report.h"

// What MASU_CHECKED lists; the linker names the section's ends.
extern "C" MASU_HIDDEN masu::debug::RealFunction* const __start_masu_real[];
extern "C" MASU_HIDDEN masu::debug::RealFunction* const __stop_masu_real[];

namespace masu::debug {

Ranges g_ranges = {};

namespace {

bool is_own(From from) { return from.pc() - g_ranges.code < g_ranges.code_bytes; }

MASU_COLD void report_access(Finding& f, Access access, const char* call, From from) {
  f.access = access;
  f.call = call;
  debug_heap().walk(f, from);
  report(f);
}

}  // namespace

namespace {

MASU_INLINE bool reaches(uintptr_t user, size_t size, uintptr_t p, size_t bytes) {
  const size_t offset = p - user;
  return offset <= size && bytes <= size - offset;
}

MASU_INLINE bool still_holds(const SeenBlock& seen) {
  if (seen.record == nullptr) {
    return g_ranges.shadow->in_use(seen.user) &&
           Front::before(seen.user).facts.load(std::memory_order_relaxed) == seen.mark;  // relaxed: as Front has it
  }
  // acquire, pairs with record(): the serial is the live block's.
  return seen.record->state.load(std::memory_order_acquire) == State::kLive && seen.record->serial == seen.mark;
}

// Blocks of several pages take a search. The front of others tells.
bool find_live(uintptr_t p, Facts& facts, Cell& cell) {
  const Shadow& shadow = *g_ranges.shadow;
  if (MASU_LIKELY((shadow.front_at(p, facts, cell) || shadow.front_around(p, facts, cell)) && facts.live())) return true;
  if (!debug_heap().locate(p, cell) || cell.record->state.load(std::memory_order_acquire) != State::kLive) return false;  // acquire, pairs with record()
  return cell.paged || Front::before(cell.user).sealed(cell.user, facts);
}

MASU_NOINLINE void check_unseen(ThreadState* t, uintptr_t p, size_t bytes, Access access, const char* call, From from) {
  Cell cell;
  Facts facts(0);
  if (MASU_LIKELY(find_live(p, facts, cell))) {
    if (t != nullptr) {
      t->seen_at(p) = {cell.user, cell.size, cell.paged ? cell.record->serial : facts.word(), cell.paged ? cell.record : nullptr};
    }
    if (MASU_LIKELY(reaches(cell.user, cell.size, p, bytes))) return;
  }
  Finding f;
  if (is_own(from) || !diagnose_access(debug_heap().view(), p, bytes, f)) return;
  report_access(f, access, call, from);
}

}  // namespace

// Programs mostly touch the blocks that they touched just before.
void check_heap(uintptr_t p, size_t bytes, Access access, const char* call, From from) {
  ThreadState* t = tls_thread;
  if (MASU_LIKELY(t != nullptr)) {
    const SeenBlock& seen = t->seen_at(p);
    // relaxed: as enter() has it.
    if (reaches(seen.user, seen.size, p, bytes) && (t->alone.load(std::memory_order_relaxed) || still_holds(seen))) return;
  }
  check_unseen(t, p, bytes, access, call, from);
}

void check_heap_live(uintptr_t p, size_t bytes, const char* call, From from) {
  Finding f;
  if (is_own(from) || !diagnose_access(debug_heap().view(), p, bytes, f) || f.kind != Kind::kUseAfterFree) return;
  report_access(f, Access::kWrite, call, from);
}

size_t room_before_guard(const void* p) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(p);
  PagedBlocks::Slot* slot = debug_heap().paged().find(at);
  if (slot == nullptr) return SIZE_MAX;
  const uintptr_t end = PagedBlocks::cell(*slot).user_end();
  return at < end ? end - at : 0;
}

void report_negative(uintptr_t p, size_t bytes, const char* call, From from) {
  Finding f;
  f.kind = Kind::kNegativeSize;
  f.address = p;
  f.bytes = bytes;
  report_access(f, Access::kWrite, call, from);
}

void set_ranges() {
  DebugHeap& heap = debug_heap();
  Module own;
  if (find_module(reinterpret_cast<uintptr_t>(&set_ranges), own)) {
    g_ranges.code = own.begin;
    g_ranges.code_bytes = own.end - own.begin;
  }
  g_ranges.shadow = &heap.shadow();
  heap.shadow().range(g_ranges.arena, g_ranges.arena_bytes);
  heap.paged().range(g_ranges.paged, g_ranges.paged_bytes);
  g_ranges.resolvable = true;
  find_real_functions();
}

void* find_next(const char* name) { return dlsym(RTLD_NEXT, name); }

void find_real_functions() {
  for (RealFunction* const* f = __start_masu_real; f != __stop_masu_real; ++f) {
    // relaxed: as every thread finds it.
    if ((*f)->at.load(std::memory_order_relaxed) == nullptr) (*f)->at.store(find_next((*f)->name), std::memory_order_relaxed);
  }
}

}  // namespace masu::debug
