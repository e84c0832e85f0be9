// Checked input and formatting. How much they write is only known when they have: the check follows the call.
// Where the target was freed, the kernel's EFAULT would hide it: that is asked before.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "debug/checked.h"
#include "debug/raw_memory.h"

namespace masu::debug {
namespace {

MASU_INLINE void check_text(const char* s, int written, const char* call) {
  if (written >= 0) check_write(s, static_cast<size_t>(written) + 1, call);
}
MASU_INLINE void check_bounded(const char* s, size_t room, int written, const char* call) {
  if (written < 0 || room == 0) return;
  const size_t all = static_cast<size_t>(written) + 1;
  check_write(s, all < room ? all : room, call);
}
MASU_INLINE void check_got(const void* p, ssize_t got, const char* call) {
  if (got > 0) check_write(p, static_cast<size_t>(got), call);
}
// The kernel stops at a guard page without a word: what it has for us beyond the block goes elsewhere first.
template <class Call>
MASU_NOINLINE ssize_t receive_behind(void* p, size_t n, size_t room, const char* call, From from, Call&& real) {
  constexpr size_t kMost = 64 << 20;
  const size_t asked = n < kMost ? n : kMost;
  void* elsewhere = mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (elsewhere == MAP_FAILED) return real(p, n);
  const ssize_t got = real(elsewhere, asked);
  const int saved = errno;
  if (got > 0) {
    check_heap(reinterpret_cast<uintptr_t>(p), static_cast<size_t>(got), Access::kWrite, call, from);
    raw_copy(p, elsewhere, static_cast<size_t>(got) < room ? static_cast<size_t>(got) : room);
  }
  munmap(elsewhere, asked);
  errno = saved;
  return got;
}
template <class Call>
MASU_INLINE ssize_t receive(void* p, size_t n, const char* call, Call&& real) {
  if (MASU_LIKELY(!in_heap(p)) || n == 0) return real(p, n);
  check_freed(p, n, call);
  if (const size_t room = room_before_guard(p); room < n) return receive_behind(p, n, room, call, caller(), real);
  const ssize_t got = real(p, n);
  check_got(p, got, call);
  return got;
}
MASU_INLINE size_t length(const char* s) { return __builtin_strlen(s); }

}  // namespace

// --- formatting

MASU_CHECKED(int, vsprintf, (char* s, const char* format, va_list args), nullptr) {
  const int n = real_vsprintf(s, format, args);
  check_text(s, n, "vsprintf");
  return n;
}
MASU_CHECKED(int, sprintf, (char* s, const char* format, ...), nullptr) {
  va_list args;
  va_start(args, format);
  const int n = real_vsprintf(s, format, args);
  va_end(args);
  check_text(s, n, "sprintf");
  return n;
}
MASU_CHECKED(int, vsnprintf, (char* s, size_t room, const char* format, va_list args), nullptr) {
  const int n = real_vsnprintf(s, room, format, args);
  check_bounded(s, room, n, "vsnprintf");
  return n;
}
MASU_CHECKED(int, snprintf, (char* s, size_t room, const char* format, ...), nullptr) {
  va_list args;
  va_start(args, format);
  const int n = real_vsnprintf(s, room, format, args);
  va_end(args);
  check_bounded(s, room, n, "snprintf");
  return n;
}
MASU_CHECKED(int, __vsprintf_chk, (char* s, int flag, size_t bound, const char* format, va_list args), nullptr) {
  const int n = real___vsprintf_chk(s, flag, bound, format, args);
  check_text(s, n, "vsprintf");
  return n;
}
MASU_CHECKED(int, __sprintf_chk, (char* s, int flag, size_t bound, const char* format, ...), nullptr) {
  va_list args;
  va_start(args, format);
  const int n = real___vsprintf_chk(s, flag, bound, format, args);
  va_end(args);
  check_text(s, n, "sprintf");
  return n;
}
MASU_CHECKED(int, __vsnprintf_chk, (char* s, size_t room, int flag, size_t bound, const char* format, va_list args), nullptr) {
  const int n = real___vsnprintf_chk(s, room, flag, bound, format, args);
  check_bounded(s, room, n, "vsnprintf");
  return n;
}
MASU_CHECKED(int, __snprintf_chk, (char* s, size_t room, int flag, size_t bound, const char* format, ...), nullptr) {
  va_list args;
  va_start(args, format);
  const int n = real___vsnprintf_chk(s, room, flag, bound, format, args);
  va_end(args);
  check_bounded(s, room, n, "snprintf");
  return n;
}

// --- streams

MASU_CHECKED(char*, fgets, (char* s, int room, FILE* file), nullptr) {
  char* got = real_fgets(s, room, file);
  if (got != nullptr && in_heap(s)) check_write(s, length(s) + 1, "fgets");
  return got;
}
MASU_CHECKED(char*, __fgets_chk, (char* s, size_t bound, int room, FILE* file), nullptr) {
  char* got = real___fgets_chk(s, bound, room, file);
  if (got != nullptr && in_heap(s)) check_write(s, length(s) + 1, "fgets");
  return got;
}
MASU_CHECKED(size_t, fread, (void* p, size_t size, size_t count, FILE* file), nullptr) {
  const size_t got = real_fread(p, size, count, file);
  check_write(p, got * size, "fread");
  return got;
}
MASU_CHECKED(size_t, fread_unlocked, (void* p, size_t size, size_t count, FILE* file), nullptr) {
  const size_t got = real_fread_unlocked(p, size, count, file);
  check_write(p, got * size, "fread_unlocked");
  return got;
}
MASU_CHECKED(size_t, __fread_chk, (void* p, size_t bound, size_t size, size_t count, FILE* file), nullptr) {
  const size_t got = real___fread_chk(p, bound, size, count, file);
  check_write(p, got * size, "fread");
  return got;
}
MASU_CHECKED(ssize_t, getline, (char** line, size_t* room, FILE* file), nullptr) {
  const ssize_t got = real_getline(line, room, file);
  if (got >= 0) check_write(*line, static_cast<size_t>(got) + 1, "getline");
  return got;
}
MASU_CHECKED(ssize_t, getdelim, (char** line, size_t* room, int end, FILE* file), nullptr) {
  const ssize_t got = real_getdelim(line, room, end, file);
  if (got >= 0) check_write(*line, static_cast<size_t>(got) + 1, "getdelim");
  return got;
}
MASU_CHECKED(ssize_t, __getdelim, (char** line, size_t* room, int end, FILE* file), nullptr) {
  const ssize_t got = real___getdelim(line, room, end, file);
  if (got >= 0) check_write(*line, static_cast<size_t>(got) + 1, "getdelim");
  return got;
}
MASU_CHECKED(size_t, fwrite, (const void* p, size_t size, size_t count, FILE* file), nullptr) {
  check_read(p, size * count, "fwrite");
  return real_fwrite(p, size, count, file);
}

// --- descriptors

MASU_CHECKED(ssize_t, read, (int fd, void* p, size_t n), nullptr) {
  return receive(p, n, "read", [=](void* to, size_t most) { return real_read(fd, to, most); });
}
MASU_CHECKED(ssize_t, __read_chk, (int fd, void* p, size_t n, size_t bound), nullptr) {
  return receive(p, n, "read", [=](void* to, size_t most) { return real___read_chk(fd, to, most, bound); });
}
MASU_CHECKED(ssize_t, pread, (int fd, void* p, size_t n, off_t at), nullptr) {
  return receive(p, n, "pread", [=](void* to, size_t most) { return real_pread(fd, to, most, at); });
}
MASU_CHECKED(ssize_t, pread64, (int fd, void* p, size_t n, off64_t at), nullptr) {
  return receive(p, n, "pread", [=](void* to, size_t most) { return real_pread64(fd, to, most, at); });
}
MASU_CHECKED(ssize_t, __pread_chk, (int fd, void* p, size_t n, off_t at, size_t bound), nullptr) {
  return receive(p, n, "pread", [=](void* to, size_t most) { return real___pread_chk(fd, to, most, at, bound); });
}
MASU_CHECKED(ssize_t, __pread64_chk, (int fd, void* p, size_t n, off64_t at, size_t bound), nullptr) {
  return receive(p, n, "pread", [=](void* to, size_t most) { return real___pread64_chk(fd, to, most, at, bound); });
}
MASU_CHECKED(ssize_t, recv, (int fd, void* p, size_t n, int flags), nullptr) {
  return receive(p, n, "recv", [=](void* to, size_t most) { return real_recv(fd, to, most, flags); });
}
MASU_CHECKED(ssize_t, __recv_chk, (int fd, void* p, size_t n, size_t bound, int flags), nullptr) {
  return receive(p, n, "recv", [=](void* to, size_t most) { return real___recv_chk(fd, to, most, bound, flags); });
}
MASU_CHECKED(ssize_t, recvfrom, (int fd, void* p, size_t n, int flags, struct sockaddr* from, socklen_t* bytes), nullptr) {
  return receive(p, n, "recvfrom", [=](void* to, size_t most) { return real_recvfrom(fd, to, most, flags, from, bytes); });
}
MASU_CHECKED(ssize_t, write, (int fd, const void* p, size_t n), nullptr) {
  check_read(p, n, "write");
  return real_write(fd, p, n);
}
MASU_CHECKED(ssize_t, pwrite64, (int fd, const void* p, size_t n, off64_t at), nullptr) {
  check_read(p, n, "pwrite");
  return real_pwrite64(fd, p, n, at);
}
MASU_CHECKED(ssize_t, send, (int fd, const void* p, size_t n, int flags), nullptr) {
  check_read(p, n, "send");
  return real_send(fd, p, n, flags);
}

}  // namespace masu::debug
