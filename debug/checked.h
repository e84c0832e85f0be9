// For the checked memory functions (debug_checked_*.cc): the bounds check, and libc's own function behind each.
// Programs mostly touch the blocks that they touched just before: that is asked first. "Does it point into our heap?" costs
// two subtractions; only then is the block looked up.
// Names begin with debug_ there because they replace libc's: no test may link them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/attributes.h"
#include "debug/finding.h"
#include "debug/from.h"
#include "debug/threads.h"

namespace masu::debug {

// The address ranges of the process's heap, and of this library's code, whose own calls are not checked.
class Shadow;
struct Ranges {
  const Shadow* shadow;  // of the arena
  uintptr_t arena, arena_bytes, paged, paged_bytes, code, code_bytes;
  bool resolvable;  // the dynamic linker may be asked
};
extern Ranges g_ranges MASU_HIDDEN;

// Reports if [p, p + bytes) leaves its block or the block is not live.
MASU_NOINLINE void check_heap(uintptr_t p, size_t bytes, Access access, const char* call, From from);
// Reports only if the block is not live: how much will be written is not known yet.
MASU_NOINLINE void check_heap_live(uintptr_t p, size_t bytes, const char* call, From from);
// Bytes from p to the end of its block on pages of its own; SIZE_MAX for other blocks.
MASU_NOINLINE size_t room_before_guard(const void* p);
MASU_COLD void report_negative(uintptr_t p, size_t bytes, const char* call, From from);
MASU_NOINLINE void* find_next(const char* name);

MASU_INLINE bool in_heap(const void* p) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(p);
  return at - g_ranges.arena < g_ranges.arena_bytes || at - g_ranges.paged < g_ranges.paged_bytes;
}
MASU_INLINE void check(const void* p, size_t bytes, Access access, const char* call) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(p);
  ThreadState* t = tls_thread;
  if (MASU_LIKELY(t != nullptr && t->has_seen(at, bytes))) return;
  if (in_heap(p) && bytes != 0) check_heap(at, bytes, access, call, caller());
}
MASU_INLINE void check_read(const void* p, size_t bytes, const char* call) { check(p, bytes, Access::kRead, call); }
MASU_INLINE void check_write(const void* p, size_t bytes, const char* call) { check(p, bytes, Access::kWrite, call); }
MASU_INLINE void check_freed(const void* p, size_t bytes, const char* call) {
  if (MASU_UNLIKELY(in_heap(p))) check_heap_live(reinterpret_cast<uintptr_t>(p), bytes, call, caller());
}
MASU_INLINE void check_size(const void* p, size_t bytes, const char* call) {
  if (MASU_UNLIKELY(bytes > PTRDIFF_MAX)) report_negative(reinterpret_cast<uintptr_t>(p), bytes, call, caller());
}

// libc's functions, all of them found at constructor time: dlsym() ends the life of the text that dlerror() gave, so it
// must not be called in between.
struct RealFunction {
  const char* name;
  std::atomic<void*> at{nullptr};
  constexpr explicit RealFunction(const char* of) : name(of) {}
};
void find_real_functions();

// One of them. `early` stands in for it while the dynamic linker is still at work.
template <class F>
class Real : public RealFunction {
 public:
  constexpr Real(const char* of, F* early) : RealFunction(of), early_(early) {}
  template <class... A>
  MASU_INLINE auto operator()(A... a) {
    void* f = at.load(std::memory_order_relaxed);  // relaxed: every thread finds the same
    if (MASU_UNLIKELY(f == nullptr)) return find()(a...);
    return reinterpret_cast<F*>(f)(a...);
  }

 private:
  MASU_NOINLINE F* find() {
    if (early_ != nullptr && !g_ranges.resolvable) return early_;
    void* f = find_next(name);
    at.store(f, std::memory_order_relaxed);  // relaxed: as above
    return reinterpret_cast<F*>(f);
  }
  F* early_;
};

}  // namespace masu::debug

// MASU_CHECKED(result, name, (parameters), early): defines libc's `name`; real_name is libc's own.
#define MASU_CHECKED(result, name, parameters, early)                          \
  [[maybe_unused]] static constinit masu::debug::Real<result parameters> real_##name(#name, early); \
  [[gnu::used, gnu::section("masu_real")]] static masu::debug::RealFunction* const listed_##name = &real_##name; \
  extern "C" MASU_EXPORT result checked_##name parameters asm(#name);          \
  result checked_##name parameters
