// Checked mem* functions and their fortified forms (C23 7.26, POSIX, glibc). Sources are checked before targets.
#include "debug/checked.h"
#include "debug/raw_memory.h"

namespace masu::debug {
namespace {

void* early_copy(void* to, const void* from, size_t n) {
  raw_copy(to, from, n);
  return to;
}
void* early_move(void* to, const void* from, size_t n) {
  auto* d = static_cast<uint8_t*>(to);
  const auto* s = static_cast<const uint8_t*>(from);
  if (d <= s || d >= s + n) return early_copy(to, from, n);
  while (n-- != 0) {
    d[n] = s[n];
    asm volatile("");
  }
  return to;
}
void* early_set(void* to, int byte, size_t n) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(to);
  fill_pattern(static_cast<uint8_t>(byte) * 0x0101010101010101u, at, at + n);
  return to;
}
int early_compare(const void* a, const void* b, size_t n) {
  const auto* x = static_cast<const uint8_t*>(a);
  const auto* y = static_cast<const uint8_t*>(b);
  for (; n != 0; --n, ++x, ++y) {
    if (*x != *y) return *x - *y;
    asm volatile("");
  }
  return 0;
}
void* early_find(const void* p, int byte, size_t n) {
  const auto* s = static_cast<const uint8_t*>(p);
  for (; n != 0; --n, ++s) {
    if (*s == static_cast<uint8_t>(byte)) return const_cast<uint8_t*>(s);
    asm volatile("");
  }
  return nullptr;
}

MASU_INLINE void check_copy(void* to, const void* from, size_t n, const char* call) {
  check_size(to, n, call);
  check_read(from, n, call);
  check_write(to, n, call);
}
MASU_INLINE size_t span_to(const void* begin, const void* hit, size_t n) {
  return hit == nullptr ? n : static_cast<size_t>(static_cast<const char*>(hit) - static_cast<const char*>(begin)) + 1;
}

}  // namespace

MASU_CHECKED(void*, memcpy, (void* to, const void* from, size_t n), early_copy) {
  check_copy(to, from, n, "memcpy");
  return real_memcpy(to, from, n);
}
MASU_CHECKED(void*, memmove, (void* to, const void* from, size_t n), early_move) {
  check_copy(to, from, n, "memmove");
  return real_memmove(to, from, n);
}
MASU_CHECKED(void*, mempcpy, (void* to, const void* from, size_t n), nullptr) {
  check_copy(to, from, n, "mempcpy");
  return static_cast<char*>(real_memcpy(to, from, n)) + n;
}
MASU_CHECKED(void*, memset, (void* to, int byte, size_t n), early_set) {
  check_size(to, n, "memset");
  check_write(to, n, "memset");
  return real_memset(to, byte, n);
}
MASU_CHECKED(int, memcmp, (const void* a, const void* b, size_t n), early_compare) {
  check_read(a, n, "memcmp");
  check_read(b, n, "memcmp");
  return real_memcmp(a, b, n);
}
MASU_CHECKED(int, bcmp, (const void* a, const void* b, size_t n), early_compare) {
  check_read(a, n, "bcmp");
  check_read(b, n, "bcmp");
  return real_memcmp(a, b, n);
}
MASU_CHECKED(void*, memchr, (const void* p, int byte, size_t n), early_find) {
  void* hit = real_memchr(p, byte, n);
  check_read(p, span_to(p, hit, n), "memchr");
  return hit;
}
MASU_CHECKED(void*, memccpy, (void* to, const void* from, int byte, size_t n), nullptr) {
  const size_t copied = span_to(from, real_memchr(from, byte, n), n);
  check_copy(to, from, copied, "memccpy");
  return real_memccpy(to, from, byte, n);
}
MASU_CHECKED(void, bzero, (void* to, size_t n), nullptr) {
  check_write(to, n, "bzero");
  real_memset(to, 0, n);
}
MASU_CHECKED(void, explicit_bzero, (void* to, size_t n), nullptr) {
  check_write(to, n, "explicit_bzero");
  real_explicit_bzero(to, n);
}
MASU_CHECKED(void, bcopy, (const void* from, void* to, size_t n), nullptr) {
  check_copy(to, from, n, "bcopy");
  real_memmove(to, from, n);
}

// Fortified: the compiler's bound comes on top; libc's own check of it stays in charge.
MASU_CHECKED(void*, __memcpy_chk, (void* to, const void* from, size_t n, size_t bound), nullptr) {
  check_copy(to, from, n, "memcpy");
  return real___memcpy_chk(to, from, n, bound);
}
MASU_CHECKED(void*, __memmove_chk, (void* to, const void* from, size_t n, size_t bound), nullptr) {
  check_copy(to, from, n, "memmove");
  return real___memmove_chk(to, from, n, bound);
}
MASU_CHECKED(void*, __mempcpy_chk, (void* to, const void* from, size_t n, size_t bound), nullptr) {
  check_copy(to, from, n, "mempcpy");
  return real___mempcpy_chk(to, from, n, bound);
}
MASU_CHECKED(void*, __memset_chk, (void* to, int byte, size_t n, size_t bound), nullptr) {
  check_write(to, n, "memset");
  return real___memset_chk(to, byte, n, bound);
}

}  // namespace masu::debug
