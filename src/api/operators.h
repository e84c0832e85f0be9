// operator new and delete in every form (C++20 [new.delete]), over the C functions' rules. Included after
// symbols.h. libstdc++ is reached by weak references: where it is absent, failure ends in one clear line.
#pragma once

#include <new>

#include "os/linux.h"

extern "C" {
MASU_WEAK void _ZSt17__throw_bad_allocv();
MASU_WEAK void (*_ZSt15get_new_handlerv())();
}

namespace masu {

// Memory is out: the new handler may find some; without one, throw (or null for the nothrow forms).
MASU_COLD inline void* new_failed(size_t bytes, size_t align, bool may_throw) {
  for (;;) {
    void (*handler)() = &_ZSt15get_new_handlerv == nullptr ? nullptr : _ZSt15get_new_handlerv();
    if (handler == nullptr) break;
    handler();
    if (void* p = rules().memalign(align, bytes); p != nullptr) return p;
  }
  if (!may_throw) return nullptr;
  if (&_ZSt17__throw_bad_allocv != nullptr) _ZSt17__throw_bad_allocv();
  constexpr char kLine[] = "masu: operator new: out of memory, and no C++ runtime to throw std::bad_alloc\n";
  linux_write_error(kLine, sizeof(kLine) - 1);
  linux_abort();
}

MASU_INLINE void* new_plain(size_t bytes, bool may_throw) {
  void* p = rules().malloc(bytes);
  return MASU_LIKELY(p != nullptr) ? p : new_failed(bytes, 1, may_throw);
}
MASU_INLINE void* new_aligned(size_t bytes, std::align_val_t align, bool may_throw) {
  void* p = rules().memalign(static_cast<size_t>(align), bytes);
  return MASU_LIKELY(p != nullptr) ? p : new_failed(bytes, static_cast<size_t>(align), may_throw);
}

}  // namespace masu

MASU_EXPORT void* operator new(size_t n) { return masu::new_plain(n, true); }
MASU_EXPORT void* operator new[](size_t n) { return masu::new_plain(n, true); }
MASU_EXPORT void* operator new(size_t n, const std::nothrow_t&) noexcept { return masu::new_plain(n, false); }
MASU_EXPORT void* operator new[](size_t n, const std::nothrow_t&) noexcept { return masu::new_plain(n, false); }
MASU_EXPORT void* operator new(size_t n, std::align_val_t a) { return masu::new_aligned(n, a, true); }
MASU_EXPORT void* operator new[](size_t n, std::align_val_t a) { return masu::new_aligned(n, a, true); }
MASU_EXPORT void* operator new(size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return masu::new_aligned(n, a, false);
}
MASU_EXPORT void* operator new[](size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return masu::new_aligned(n, a, false);
}

MASU_EXPORT void operator delete(void* p) noexcept { masu::rules().heap.free(p); }
MASU_EXPORT void operator delete[](void* p) noexcept { masu::rules().heap.free(p); }
MASU_EXPORT void operator delete(void* p, size_t) noexcept { masu::rules().heap.free(p); }
MASU_EXPORT void operator delete[](void* p, size_t) noexcept { masu::rules().heap.free(p); }
MASU_EXPORT void operator delete(void* p, const std::nothrow_t&) noexcept { masu::rules().heap.free(p); }
MASU_EXPORT void operator delete[](void* p, const std::nothrow_t&) noexcept { masu::rules().heap.free(p); }
MASU_EXPORT void operator delete(void* p, std::align_val_t) noexcept { masu::rules().heap.free(p); }
MASU_EXPORT void operator delete[](void* p, std::align_val_t) noexcept { masu::rules().heap.free(p); }
MASU_EXPORT void operator delete(void* p, size_t, std::align_val_t) noexcept { masu::rules().heap.free(p); }
MASU_EXPORT void operator delete[](void* p, size_t, std::align_val_t) noexcept { masu::rules().heap.free(p); }
MASU_EXPORT void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  masu::rules().heap.free(p);
}
MASU_EXPORT void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  masu::rules().heap.free(p);
}
