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

MASU_INLINE bool still_holds(const SeenBlock& seen) {
  if (seen.record == nullptr) {
    return g_ranges.shadow->in_use(seen.user) &&
           Front::before(seen.user).facts.load(std::memory_order_relaxed) == seen.mark;  // relaxed: as Front has it
  }
  // acquire, pairs with record(): the serial is the live block's.
  return seen.record->state.load(std::memory_order_acquire) == State::kLive && seen.record->serial == seen.mark;
}

// The live block around an address: its front tells, but of those of several pages, which take a search.
MASU_INLINE bool find_near(uintptr_t p, SeenBlock& found) {
  Facts facts(0);
  uintptr_t user = 0;
  if (MASU_UNLIKELY(!g_ranges.shadow->live_front_around(p, user, facts))) return false;
  found = {user, facts.size(), facts.word(), nullptr};
  return true;
}
bool find_far(uintptr_t p, SeenBlock& found) {
  Cell cell;
  if (!debug_heap().locate(p, cell) || cell.record->state.load(std::memory_order_acquire) != State::kLive) return false;  // acquire, pairs with record()
  found = {cell.user, cell.size, cell.record->serial, cell.record};
  if (cell.paged) return true;
  Facts facts(0);
  if (!Front::before(cell.user).sealed_live(cell.user, facts)) return false;
  found = {cell.user, facts.size(), facts.word(), nullptr};
  return true;
}

MASU_NOINLINE void check_closely(uintptr_t p, size_t bytes, Access access, const char* call, From from) {
  if (SeenBlock found; find_far(p, found)) {
    if (tls_thread != nullptr) tls_thread->seen_at(p) = found;
    if (MASU_LIKELY(found.reaches(p, bytes))) return;
  }
  Finding f;
  if (is_own(from) || !diagnose_access(debug_heap().view(), p, bytes, f)) return;
  report_access(f, access, call, from);
}

}  // namespace

void check_heap(uintptr_t p, size_t bytes, Access access, const char* call, From from) {
  ThreadState* t = tls_thread;
  if (t != nullptr && t->seen_at(p).reaches(p, bytes) && still_holds(t->seen_at(p))) return;
  SeenBlock found;
  if (MASU_UNLIKELY(t == nullptr || !find_near(p, found) || !found.reaches(p, bytes))) return check_closely(p, bytes, access, call, from);
  t->seen_at(p) = found;
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
