// Checked str* and wcs* functions and their fortified forms. What a function would touch is found first, by
// libc's own search; text without an end runs into the red zone behind its block and is reported there.
#include <ctype.h>
#include <wchar.h>

#include "debug/checked.h"
#include "debug/raw_memory.h"

namespace masu::debug {
namespace {

size_t early_length(const char* s) {
  size_t n = 0;
  for (; s[n] != 0; ++n) asm volatile("");
  return n;
}
int early_compare(const char* a, const char* b) {
  for (; *a != 0 && *a == *b; ++a, ++b) asm volatile("");
  return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
}
int early_compare_n(const char* a, const char* b, size_t n) {
  for (; n != 0 && *a != 0 && *a == *b; ++a, ++b, --n) asm volatile("");
  return n == 0 ? 0 : static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
}
char* early_find(const char* s, int c) {
  for (; *s != static_cast<char>(c); ++s) {
    if (*s == 0) return nullptr;
    asm volatile("");
  }
  return const_cast<char*>(s);
}
char* early_copy(char* to, const char* from) {
  raw_copy(to, from, early_length(from) + 1);
  return to;
}

// Characters that a comparison looks at, up to and with the deciding one.
template <class T, class Fold>
size_t compared(const T* a, const T* b, size_t max, Fold fold) {
  for (size_t i = 0; i < max; ++i) {
    if (fold(a[i]) != fold(b[i]) || a[i] == 0) return i + 1;
  }
  return max;
}
constexpr auto kExact = [](auto c) { return c; };
constexpr auto kFolded = [](char c) { return tolower(static_cast<unsigned char>(c)); };

template <class T, class Fold>
MASU_INLINE void check_compare(const T* a, const T* b, size_t max, Fold fold, const char* call) {
  if (MASU_LIKELY(!in_heap(a) && !in_heap(b))) return;
  const size_t n = compared(a, b, max, fold) * sizeof(T);
  check_read(a, n, call);
  check_read(b, n, call);
}

}  // namespace

MASU_CHECKED(size_t, strlen, (const char* s), early_length) {
  const size_t n = real_strlen(s);
  check_read(s, n + 1, "strlen");
  return n;
}
MASU_CHECKED(size_t, strnlen, (const char* s, size_t max), nullptr) {
  const size_t n = real_strnlen(s, max);
  check_read(s, n < max ? n + 1 : max, "strnlen");
  return n;
}
MASU_CHECKED(char*, strcpy, (char* to, const char* from), early_copy) {
  const size_t n = real_strlen(from) + 1;
  check_read(from, n, "strcpy");
  check_write(to, n, "strcpy");
  return real_strcpy(to, from);
}
MASU_CHECKED(char*, stpcpy, (char* to, const char* from), nullptr) {
  const size_t n = real_strlen(from) + 1;
  check_read(from, n, "stpcpy");
  check_write(to, n, "stpcpy");
  return real_stpcpy(to, from);
}
MASU_INLINE void check_padded(char* to, const char* from, size_t n, const char* call) {
  check_size(to, n, call);
  const size_t used = real_strnlen(from, n);
  check_read(from, used < n ? used + 1 : n, call);
  check_write(to, n, call);
}
MASU_CHECKED(char*, strncpy, (char* to, const char* from, size_t n), nullptr) {
  check_padded(to, from, n, "strncpy");
  return real_strncpy(to, from, n);
}
MASU_CHECKED(char*, stpncpy, (char* to, const char* from, size_t n), nullptr) {
  check_padded(to, from, n, "stpncpy");
  return real_stpncpy(to, from, n);
}
MASU_INLINE void check_append(char* to, const char* from, size_t max, const char* call) {
  const size_t before = real_strlen(to);
  const size_t added = real_strnlen(from, max);
  check_read(to, before + 1, call);
  check_read(from, added < max ? added + 1 : max, call);
  check_write(to + before, added + 1, call);
}
MASU_CHECKED(char*, strcat, (char* to, const char* from), nullptr) {
  check_append(to, from, PTRDIFF_MAX, "strcat");
  return real_strcat(to, from);
}
MASU_CHECKED(char*, strncat, (char* to, const char* from, size_t n), nullptr) {
  check_append(to, from, n, "strncat");
  return real_strncat(to, from, n);
}
MASU_CHECKED(int, strcmp, (const char* a, const char* b), early_compare) {
  check_compare(a, b, SIZE_MAX, kExact, "strcmp");
  return real_strcmp(a, b);
}
MASU_CHECKED(int, strncmp, (const char* a, const char* b, size_t n), early_compare_n) {
  check_compare(a, b, n, kExact, "strncmp");
  return real_strncmp(a, b, n);
}
MASU_CHECKED(int, strcasecmp, (const char* a, const char* b), nullptr) {
  check_compare(a, b, SIZE_MAX, kFolded, "strcasecmp");
  return real_strcasecmp(a, b);
}
MASU_CHECKED(int, strncasecmp, (const char* a, const char* b, size_t n), nullptr) {
  check_compare(a, b, n, kFolded, "strncasecmp");
  return real_strncasecmp(a, b, n);
}
MASU_CHECKED(char*, strchr, (const char* s, int c), early_find) {
  char* hit = real_strchr(s, c);
  if (in_heap(s)) check_read(s, (hit != nullptr ? static_cast<size_t>(hit - s) : real_strlen(s)) + 1, "strchr");
  return hit;
}
MASU_CHECKED(char*, strrchr, (const char* s, int c), nullptr) {
  if (in_heap(s)) check_read(s, real_strlen(s) + 1, "strrchr");
  return real_strrchr(s, c);
}
MASU_CHECKED(char*, strdup, (const char* s), nullptr) {
  if (in_heap(s)) check_read(s, real_strlen(s) + 1, "strdup");
  return real_strdup(s);
}
MASU_CHECKED(char*, strndup, (const char* s, size_t max), nullptr) {
  if (in_heap(s)) {
    const size_t n = real_strnlen(s, max);
    check_read(s, n < max ? n + 1 : max, "strndup");
  }
  return real_strndup(s, max);
}

MASU_CHECKED(char*, __strcpy_chk, (char* to, const char* from, size_t bound), nullptr) {
  const size_t n = real_strlen(from) + 1;
  check_read(from, n, "strcpy");
  check_write(to, n, "strcpy");
  return real___strcpy_chk(to, from, bound);
}
MASU_CHECKED(char*, __stpcpy_chk, (char* to, const char* from, size_t bound), nullptr) {
  const size_t n = real_strlen(from) + 1;
  check_read(from, n, "stpcpy");
  check_write(to, n, "stpcpy");
  return real___stpcpy_chk(to, from, bound);
}
MASU_CHECKED(char*, __strncpy_chk, (char* to, const char* from, size_t n, size_t bound), nullptr) {
  check_padded(to, from, n, "strncpy");
  return real___strncpy_chk(to, from, n, bound);
}
MASU_CHECKED(char*, __stpncpy_chk, (char* to, const char* from, size_t n, size_t bound), nullptr) {
  check_padded(to, from, n, "stpncpy");
  return real___stpncpy_chk(to, from, n, bound);
}
MASU_CHECKED(char*, __strcat_chk, (char* to, const char* from, size_t bound), nullptr) {
  check_append(to, from, PTRDIFF_MAX, "strcat");
  return real___strcat_chk(to, from, bound);
}
MASU_CHECKED(char*, __strncat_chk, (char* to, const char* from, size_t n, size_t bound), nullptr) {
  check_append(to, from, n, "strncat");
  return real___strncat_chk(to, from, n, bound);
}

}  // namespace masu::debug
