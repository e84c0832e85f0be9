// The rules of the malloc family (api/rules.h) with what the debug lane makes of them: the kind of each call is
// kept, and arguments that are surely mistakes are reported.
#pragma once

#include <errno.h>

#include "debug/heap.h"
#include "debug/report.h"

namespace masu::debug {

struct DebugRules {
  DebugHeap& heap;

  MASU_INLINE void* malloc(size_t bytes) { return get(bytes, {}, "malloc", caller()); }
  MASU_INLINE void* calloc(size_t n, size_t bytes) {
    const From from = caller();
    size_t all = 0;
    if (MASU_UNLIKELY(__builtin_mul_overflow(n, bytes, &all))) return refuse(Kind::kCallocOverflow, "calloc", ENOMEM, from);
    if (MASU_UNLIKELY(all > PTRDIFF_MAX)) return refuse(Kind::kSizeTooBig, "calloc", ENOMEM, from);
    return or_enomem(heap.allocate_zeroed(all, from));
  }
  MASU_INLINE void* realloc(void* p, size_t bytes) { return resize(p, bytes, "realloc", caller()); }
  MASU_INLINE void* reallocarray(void* p, size_t n, size_t bytes) {
    const From from = caller();
    size_t all = 0;
    if (__builtin_mul_overflow(n, bytes, &all)) return refuse(Kind::kReallocarrayOverflow, "reallocarray", ENOMEM, from);
    return resize(p, all, "reallocarray", from);
  }
  MASU_INLINE int posix_memalign(void** out, size_t align, size_t bytes) {
    const From from = caller();
    if (align % sizeof(void*) != 0 || !is_pow2(align)) {
      refuse(Kind::kPosixMemalignAlignment, "posix_memalign", errno, from);
      return EINVAL;
    }
    const int saved = errno;
    void* p = get(bytes, {Family::kMalloc, align}, "posix_memalign", from);
    errno = saved;
    if (p == nullptr) return ENOMEM;
    *out = p;
    return 0;
  }
  MASU_INLINE void* aligned_alloc(size_t align, size_t bytes) {
    const From from = caller();
    if (!is_pow2(align)) return refuse(Kind::kAlignedAllocAlignment, "aligned_alloc", EINVAL, from);
    return get(bytes, {Family::kMalloc, align}, "aligned_alloc", from);
  }
  MASU_INLINE void* memalign(size_t align, size_t bytes) {
    const From from = caller();
    if (!is_pow2(align) && align != 0) {
      refuse(Kind::kMemalignAlignment, "memalign", EINVAL, from);
      if (align > (SIZE_MAX >> 1) + 1) return nullptr;
    }
    return get(bytes, {Family::kMalloc, std::bit_ceil(max_of<size_t>(align, 1))}, "memalign", from);
  }
  MASU_INLINE void* valloc(size_t bytes, size_t page) { return get(bytes, {Family::kMalloc, page}, "valloc", caller()); }
  MASU_INLINE void* pvalloc(size_t bytes, size_t page) {
    const From from = caller();
    if (bytes > SIZE_MAX - page) return refuse(Kind::kPvallocOverflow, "pvalloc", ENOMEM, from);
    return get(align_up(max_of<size_t>(bytes, 1), page), {Family::kMalloc, page}, "pvalloc", from);
  }

  MASU_INLINE void free_sized(void* p, size_t bytes) {
    heap.release(p, {Family::kMalloc, "free_sized", bytes, kUnsaid}, caller());
  }
  MASU_INLINE void free_aligned_sized(void* p, size_t align, size_t bytes) {
    heap.release(p, {Family::kMalloc, "free_aligned_sized", bytes, align}, caller());
  }

  // --- operator new and delete
  MASU_INLINE void* new_block(size_t bytes, size_t align, NewForm form) {
    return get(bytes, {family(form), align}, form == NewForm::kArray ? "operator new[]" : "operator new", caller());
  }
  MASU_INLINE void delete_block(void* p, NewForm form, size_t bytes, size_t align) {
    heap.release(p, {family(form), form == NewForm::kArray ? "operator delete[]" : "operator delete", bytes, align},
                 caller());
  }

 private:
  static constexpr Family family(NewForm form) { return form == NewForm::kArray ? Family::kNewArray : Family::kNew; }

  static MASU_INLINE void* or_enomem(void* p) { return MASU_LIKELY(p != nullptr) ? p : no_memory(); }
  static MASU_COLD void* no_memory() {
    errno = ENOMEM;
    return nullptr;
  }
  MASU_INLINE void* get(size_t bytes, Request r, const char* call, From from) {
    if (MASU_UNLIKELY(bytes > PTRDIFF_MAX)) return refuse(Kind::kSizeTooBig, call, ENOMEM, from);
    return or_enomem(heap.allocate(bytes, r, from));
  }
  void* resize(void* p, size_t bytes, const char* call, From from) {
    if (MASU_UNLIKELY(bytes > PTRDIFF_MAX)) return refuse(Kind::kSizeTooBig, call, ENOMEM, from);
    if (bytes == 0 && p != nullptr) {
      heap.release(p, {Family::kMalloc, call, kUnsaid, kUnsaid}, from);
      return nullptr;
    }
    return or_enomem(heap.reallocate(p, bytes, from));
  }
  MASU_INLINE void* refuse(Kind kind, const char* call, int error, From from) { return refused(heap, kind, call, error, from); }
  static MASU_COLD void* refused(DebugHeap& heap, Kind kind, const char* call, int error, From from) {
    Finding f;
    f.kind = kind;
    f.call = call;
    heap.walk(f, from);
    report(f);
    errno = error;
    return nullptr;
  }
};

}  // namespace masu::debug
