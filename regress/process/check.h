// Shared by the programs of this folder. Each is a plain main() that runs on whatever malloc the process has: the preloaded
// one, a linked one or glibc's. CHECK ends the process with status 1 and a line that needs no allocation.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) \
  do { \
    if (!(condition)) check_failed(__FILE__, __LINE__, #condition); \
  } while (0)

[[noreturn, gnu::cold]] inline void check_failed(const char* file, int line, const char* what) {
  char text[400];
  const int n = snprintf(text, sizeof text, "%s:%d: not so: %s (errno %d)\n", file, line, what, errno);
  if (write(2, text, static_cast<size_t>(n)) < 0) _exit(2);
  _exit(1);
}

// The compiler must not reason about blocks: it may drop a malloc whose block it can see through.
template <class T>
T hide(T value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

inline void* address_of(const char* symbol) { return dlsym(RTLD_DEFAULT, symbol); }

inline bool on_masu() { return address_of("masu_version") != nullptr; }

inline bool is_preloaded() {
  const char* preload = getenv("LD_PRELOAD");
  return preload != nullptr && *preload != '\0';
}

// With LD_PRELOAD set, malloc must come from that library (valgrind adds its own in front of ours).
inline void check_take_over() {
  if (!is_preloaded()) return;
  Dl_info info;
  CHECK(dladdr(address_of("malloc"), &info) != 0);
  CHECK(strstr(getenv("LD_PRELOAD"), info.dli_fname) != nullptr);
}

// A cheap generator; every thread has its own.
struct Random {
  uint64_t state;
  explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15u + 1) {}
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
  }
  size_t below(size_t n) { return next() % n; }
  // Mostly small, some of the mid tier, few large.
  size_t size() {
    const size_t kind = below(100);
    return 1 + (kind < 80 ? below(512) : kind < 95 ? below(8192) : kind < 99 ? below(100000) : below(600000));
  }
};

// A block that knows its size and proves at its end that nobody else wrote into it.
struct Block {
  unsigned char* bytes = nullptr;
  size_t size = 0;

  static unsigned char pattern(size_t size, size_t i) { return static_cast<unsigned char>(size * 31 + i * 7); }
  static size_t stride(size_t size) { return size < 4096 ? 1 : 509; }

  static Block make(size_t size) {
    Block block{static_cast<unsigned char*>(hide(malloc(size))), size};
    CHECK(block.bytes != nullptr);
    block.fill();
    return block;
  }
  void fill() {
    for (size_t i = 0; i < size; i += stride(size)) bytes[i] = pattern(size, i);
  }
  void verify() const {
    for (size_t i = 0; i < size; i += stride(size)) CHECK(bytes[i] == pattern(size, i));
  }
  void release() {
    verify();
    free(hide(bytes));
    *this = Block{};
  }
};

// Allocates and frees a working set, with contents checked.
inline void churn(Random& random, int operations) {
  constexpr size_t kSlots = 64;
  Block live[kSlots];
  for (int i = 0; i < operations; ++i) {
    Block& slot = live[random.below(kSlots)];
    if (slot.bytes != nullptr) slot.release();
    slot = Block::make(random.size());
  }
  for (Block& block : live) {
    if (block.bytes != nullptr) block.release();
  }
}

inline void expect_exit(pid_t pid, int status_wanted) {
  CHECK(pid > 0);
  int status = 0;
  pid_t got;
  while ((got = waitpid(pid, &status, 0)) == -1 && errno == EINTR) {}
  CHECK(got == pid);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == status_wanted);
}

// Resident kilobytes of this process, read without allocating. What /proc/self/statm says is off by some pages a processor.
inline long resident_kb() {
  char text[4000] = {};
  const int file = open("/proc/self/smaps_rollup", O_RDONLY);
  CHECK(file >= 0);
  CHECK(read(file, text, sizeof text - 1) > 0);
  close(file);
  const char* line = strstr(text, "Rss:");
  CHECK(line != nullptr);
  return strtol(line + 4, nullptr, 10);
}
