#include "debug/checked.h"

#include <dlfcn.h>

#include "debug/heap.h"
#include "debug/report.h"

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

MASU_INLINE bool holds(const Record& r, uintptr_t user, uintptr_t p, size_t bytes) {
  // acquire, pairs with the release of a live block: its size is the one it was handed out with.
  return MASU_LIKELY(r.state.load(std::memory_order_acquire) == State::kLive) && p >= user && p - user <= r.size() &&
         bytes <= r.size() - (p - user);
}

// Blocks of several pages take a search, whose result is remembered per page. False where something may be wrong.
MASU_NOINLINE bool holds_by_search(uintptr_t p, size_t bytes) {
  ThreadState* t = tls_thread;
  SeenBlock none = {};
  SeenBlock& seen = t != nullptr ? t->seen[(p >> kPageShift) % ThreadState::kSeen] : none;
  if (seen.record != nullptr && seen.record->serial == seen.serial && holds(*seen.record, seen.user, p, bytes)) return true;
  Cell cell;
  if (!debug_heap().locate(p, cell) || !holds(*cell.record, cell.user, p, bytes)) return false;
  seen = {cell.record, cell.user, cell.record->serial};
  return true;
}

}  // namespace

void check_heap(uintptr_t p, size_t bytes, Access access, const char* call, From from) {
  Cell cell;
  if (MASU_LIKELY(debug_heap().shadow().quick_locate(p, cell))) {
    if (MASU_LIKELY(holds(*cell.record, cell.user, p, bytes))) return;
  } else if (holds_by_search(p, bytes)) {
    return;
  }
  Finding f;
  if (is_own(from) || !diagnose_access(debug_heap().view(), p, bytes, f)) return;
  report_access(f, access, call, from);
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
  heap.shadow().range(g_ranges.arena, g_ranges.arena_bytes);
  heap.paged().range(g_ranges.paged, g_ranges.paged_bytes);
  g_ranges.resolvable = true;
}

void* find_next(const char* name) { return dlsym(RTLD_NEXT, name); }

}  // namespace masu::debug
