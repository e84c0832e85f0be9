// operator new and delete in every form (C++20 [new.delete]), over the C functions' rules. Included after
// symbols.h. libstdc++ is reached by weak references: where it is absent, failure ends in one clear line.
#pragma once

#include <new>

#include "api/nothrow.h"
#include "os/linux.h"

extern "C" {
MASU_WEAK void _ZSt17__throw_bad_allocv();
MASU_WEAK void (*_ZSt15get_new_handlerv())();
}

namespace masu {

// The new handler may find memory, throw, or have removed itself: null then.
inline void* ask_handlers(size_t bytes, size_t align, int form) {
  for (;;) {
    void (*handler)() = &_ZSt15get_new_handlerv == nullptr ? nullptr : _ZSt15get_new_handlerv();
    if (handler == nullptr) return nullptr;
    handler();
    if (void* p = rules().new_block(bytes, align, static_cast<NewForm>(form)); p != nullptr) return p;
  }
}

// Memory is out: throw (null for the nothrow forms) unless a handler helps.
MASU_COLD inline void* new_failed(size_t bytes, size_t align, NewForm form, bool may_throw) {
  if (!may_throw) return null_if_thrown(ask_handlers, bytes, align, static_cast<int>(form));
  if (void* p = ask_handlers(bytes, align, static_cast<int>(form)); p != nullptr) return p;
  if (&_ZSt17__throw_bad_allocv != nullptr) _ZSt17__throw_bad_allocv();
  constexpr char kLine[] = "masu: operator new: out of memory, and no C++ runtime to throw std::bad_alloc\n";
  linux_write_error(kLine, sizeof(kLine) - 1);
  linux_abort();
}

MASU_INLINE void* new_or_fail(size_t bytes, size_t align, NewForm form, bool may_throw) {
  void* p = rules().new_block(bytes, align, form);
  return MASU_LIKELY(p != nullptr) ? p : new_failed(bytes, align, form, may_throw);
}
MASU_INLINE void* new_plain(size_t bytes, NewForm form, bool may_throw) { return new_or_fail(bytes, 0, form, may_throw); }
MASU_INLINE void* new_aligned(size_t bytes, std::align_val_t align, NewForm form, bool may_throw) {
  return new_or_fail(bytes, static_cast<size_t>(align), form, may_throw);
}
MASU_INLINE void delete_plain(void* p, NewForm form, size_t bytes = kUnsaid) { rules().delete_block(p, form, bytes, 0); }
MASU_INLINE void delete_aligned(void* p, NewForm form, std::align_val_t align, size_t bytes = kUnsaid) {
  rules().delete_block(p, form, bytes, static_cast<size_t>(align));
}

constexpr NewForm kOne = NewForm::kScalar;
constexpr NewForm kMany = NewForm::kArray;

}  // namespace masu

MASU_EXPORT void* operator new(size_t n) { return masu::new_plain(n, masu::kOne, true); }
MASU_EXPORT void* operator new[](size_t n) { return masu::new_plain(n, masu::kMany, true); }
MASU_EXPORT void* operator new(size_t n, const std::nothrow_t&) noexcept { return masu::new_plain(n, masu::kOne, false); }
MASU_EXPORT void* operator new[](size_t n, const std::nothrow_t&) noexcept {
  return masu::new_plain(n, masu::kMany, false);
}
MASU_EXPORT void* operator new(size_t n, std::align_val_t a) { return masu::new_aligned(n, a, masu::kOne, true); }
MASU_EXPORT void* operator new[](size_t n, std::align_val_t a) { return masu::new_aligned(n, a, masu::kMany, true); }
MASU_EXPORT void* operator new(size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return masu::new_aligned(n, a, masu::kOne, false);
}
MASU_EXPORT void* operator new[](size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return masu::new_aligned(n, a, masu::kMany, false);
}

MASU_EXPORT void operator delete(void* p) noexcept { masu::delete_plain(p, masu::kOne); }
MASU_EXPORT void operator delete[](void* p) noexcept { masu::delete_plain(p, masu::kMany); }
MASU_EXPORT void operator delete(void* p, size_t n) noexcept { masu::delete_plain(p, masu::kOne, n); }
MASU_EXPORT void operator delete[](void* p, size_t n) noexcept { masu::delete_plain(p, masu::kMany, n); }
MASU_EXPORT void operator delete(void* p, const std::nothrow_t&) noexcept { masu::delete_plain(p, masu::kOne); }
MASU_EXPORT void operator delete[](void* p, const std::nothrow_t&) noexcept { masu::delete_plain(p, masu::kMany); }
MASU_EXPORT void operator delete(void* p, std::align_val_t a) noexcept { masu::delete_aligned(p, masu::kOne, a); }
MASU_EXPORT void operator delete[](void* p, std::align_val_t a) noexcept { masu::delete_aligned(p, masu::kMany, a); }
MASU_EXPORT void operator delete(void* p, size_t n, std::align_val_t a) noexcept {
  masu::delete_aligned(p, masu::kOne, a, n);
}
MASU_EXPORT void operator delete[](void* p, size_t n, std::align_val_t a) noexcept {
  masu::delete_aligned(p, masu::kMany, a, n);
}
MASU_EXPORT void operator delete(void* p, std::align_val_t a, const std::nothrow_t&) noexcept {
  masu::delete_aligned(p, masu::kOne, a);
}
MASU_EXPORT void operator delete[](void* p, std::align_val_t a, const std::nothrow_t&) noexcept {
  masu::delete_aligned(p, masu::kMany, a);
}
