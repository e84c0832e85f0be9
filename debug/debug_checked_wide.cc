// Checked wide-character functions and their fortified forms. As debug_checked_text.cc.
#include <wchar.h>

#include "debug/checked.h"

namespace masu::debug {
namespace {

constexpr size_t kWide = sizeof(wchar_t);

}  // namespace

MASU_CHECKED(size_t, wcslen, (const wchar_t* s), nullptr) {
  const size_t n = real_wcslen(s);
  check_read(s, (n + 1) * kWide, "wcslen");
  return n;
}
MASU_CHECKED(size_t, wcsnlen, (const wchar_t* s, size_t max), nullptr) {
  const size_t n = real_wcsnlen(s, max);
  check_read(s, (n < max ? n + 1 : max) * kWide, "wcsnlen");
  return n;
}
MASU_INLINE void check_wide_copy(wchar_t* to, const wchar_t* from, size_t n, const char* call) {
  check_read(from, n * kWide, call);
  check_write(to, n * kWide, call);
}
MASU_INLINE void check_wide_padded(wchar_t* to, const wchar_t* from, size_t n, const char* call) {
  const size_t used = real_wcsnlen(from, n);
  check_read(from, (used < n ? used + 1 : n) * kWide, call);
  check_write(to, n * kWide, call);
}
MASU_INLINE void check_wide_append(wchar_t* to, const wchar_t* from, size_t max, const char* call) {
  const size_t before = real_wcslen(to);
  const size_t added = real_wcsnlen(from, max);
  check_read(to, (before + 1) * kWide, call);
  check_read(from, (added < max ? added + 1 : max) * kWide, call);
  check_write(to + before, (added + 1) * kWide, call);
}
MASU_CHECKED(wchar_t*, wcscpy, (wchar_t* to, const wchar_t* from), nullptr) {
  check_wide_copy(to, from, real_wcslen(from) + 1, "wcscpy");
  return real_wcscpy(to, from);
}
MASU_CHECKED(wchar_t*, wcpcpy, (wchar_t* to, const wchar_t* from), nullptr) {
  check_wide_copy(to, from, real_wcslen(from) + 1, "wcpcpy");
  return real_wcpcpy(to, from);
}
MASU_CHECKED(wchar_t*, wcsncpy, (wchar_t* to, const wchar_t* from, size_t n), nullptr) {
  check_wide_padded(to, from, n, "wcsncpy");
  return real_wcsncpy(to, from, n);
}
MASU_CHECKED(wchar_t*, wcpncpy, (wchar_t* to, const wchar_t* from, size_t n), nullptr) {
  check_wide_padded(to, from, n, "wcpncpy");
  return real_wcpncpy(to, from, n);
}
MASU_CHECKED(wchar_t*, wcscat, (wchar_t* to, const wchar_t* from), nullptr) {
  check_wide_append(to, from, PTRDIFF_MAX / kWide, "wcscat");
  return real_wcscat(to, from);
}
MASU_CHECKED(wchar_t*, wcsncat, (wchar_t* to, const wchar_t* from, size_t n), nullptr) {
  check_wide_append(to, from, n, "wcsncat");
  return real_wcsncat(to, from, n);
}
MASU_CHECKED(wchar_t*, wcsdup, (const wchar_t* s), nullptr) {
  if (in_heap(s)) check_read(s, (real_wcslen(s) + 1) * kWide, "wcsdup");
  return real_wcsdup(s);
}
MASU_CHECKED(wchar_t*, wmemcpy, (wchar_t* to, const wchar_t* from, size_t n), nullptr) {
  check_wide_copy(to, from, n, "wmemcpy");
  return real_wmemcpy(to, from, n);
}
MASU_CHECKED(wchar_t*, wmempcpy, (wchar_t* to, const wchar_t* from, size_t n), nullptr) {
  check_wide_copy(to, from, n, "wmempcpy");
  return real_wmempcpy(to, from, n);
}
MASU_CHECKED(wchar_t*, wmemmove, (wchar_t* to, const wchar_t* from, size_t n), nullptr) {
  check_wide_copy(to, from, n, "wmemmove");
  return real_wmemmove(to, from, n);
}
MASU_CHECKED(wchar_t*, wmemset, (wchar_t* to, wchar_t c, size_t n), nullptr) {
  check_write(to, n * kWide, "wmemset");
  return real_wmemset(to, c, n);
}
MASU_CHECKED(int, wmemcmp, (const wchar_t* a, const wchar_t* b, size_t n), nullptr) {
  check_read(a, n * kWide, "wmemcmp");
  check_read(b, n * kWide, "wmemcmp");
  return real_wmemcmp(a, b, n);
}

MASU_CHECKED(wchar_t*, __wcscpy_chk, (wchar_t* to, const wchar_t* from, size_t bound), nullptr) {
  check_wide_copy(to, from, real_wcslen(from) + 1, "wcscpy");
  return real___wcscpy_chk(to, from, bound);
}
MASU_CHECKED(wchar_t*, __wcpcpy_chk, (wchar_t* to, const wchar_t* from, size_t bound), nullptr) {
  check_wide_copy(to, from, real_wcslen(from) + 1, "wcpcpy");
  return real___wcpcpy_chk(to, from, bound);
}
MASU_CHECKED(wchar_t*, __wcsncpy_chk, (wchar_t* to, const wchar_t* from, size_t n, size_t bound), nullptr) {
  check_wide_padded(to, from, n, "wcsncpy");
  return real___wcsncpy_chk(to, from, n, bound);
}
MASU_CHECKED(wchar_t*, __wcscat_chk, (wchar_t* to, const wchar_t* from, size_t bound), nullptr) {
  check_wide_append(to, from, PTRDIFF_MAX / kWide, "wcscat");
  return real___wcscat_chk(to, from, bound);
}
MASU_CHECKED(wchar_t*, __wcsncat_chk, (wchar_t* to, const wchar_t* from, size_t n, size_t bound), nullptr) {
  check_wide_append(to, from, n, "wcsncat");
  return real___wcsncat_chk(to, from, n, bound);
}
MASU_CHECKED(wchar_t*, __wmemcpy_chk, (wchar_t* to, const wchar_t* from, size_t n, size_t bound), nullptr) {
  check_wide_copy(to, from, n, "wmemcpy");
  return real___wmemcpy_chk(to, from, n, bound);
}
MASU_CHECKED(wchar_t*, __wmemmove_chk, (wchar_t* to, const wchar_t* from, size_t n, size_t bound), nullptr) {
  check_wide_copy(to, from, n, "wmemmove");
  return real___wmemmove_chk(to, from, n, bound);
}
MASU_CHECKED(wchar_t*, __wmempcpy_chk, (wchar_t* to, const wchar_t* from, size_t n, size_t bound), nullptr) {
  check_wide_copy(to, from, n, "wmempcpy");
  return real___wmempcpy_chk(to, from, n, bound);
}
MASU_CHECKED(wchar_t*, __wmemset_chk, (wchar_t* to, wchar_t c, size_t n, size_t bound), nullptr) {
  check_write(to, n * kWide, "wmemset");
  return real___wmemset_chk(to, c, n, bound);
}

}  // namespace masu::debug
