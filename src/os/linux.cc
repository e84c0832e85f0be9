#include "os/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/keep_errno.h"
#include "base/text.h"
#include "os/error_stream.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

namespace masu {
namespace {

constinit std::atomic<int> g_error_stream{STDERR_FILENO};

void* map_pages(void* at, size_t bytes, int protection, int flags) {
  KeepErrno keep;
  void* p = mmap(at, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

void unmap_pages(uintptr_t at, size_t bytes) {
  KeepErrno keep;
  if (bytes != 0) munmap(reinterpret_cast<void*>(at), bytes);
}

// Over-maps by the alignment and trims, since mmap promises page alignment only.
void* map_aligned(size_t bytes, size_t align, int protection, int flags) {
  if (align <= LinuxOs{}.page_size()) return map_pages(nullptr, bytes, protection, flags);
  void* p = map_pages(nullptr, bytes, protection, flags);
  const uintptr_t first = reinterpret_cast<uintptr_t>(p);
  if (p == nullptr || (first & (align - 1)) == 0) return p;
  unmap_pages(first, bytes);
  if (bytes + align < bytes) return nullptr;
  const uintptr_t wide = reinterpret_cast<uintptr_t>(map_pages(nullptr, bytes + align, protection, flags));
  if (wide == 0) return nullptr;
  const uintptr_t start = align_up(wide, align);
  unmap_pages(wide, start - wide);
  unmap_pages(start + bytes, wide + align - start);
  return reinterpret_cast<void*>(start);
}

// What the file says, as text; "" where there is none.
template <size_t kBytes>
struct FileText {
  char text[kBytes] = {};
  explicit FileText(const char* path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    if (read(file, text, kBytes - 1) < 0) text[0] = 0;
    close(file);
  }
};

// The limit in `file` of the memory control group that `marker` begins the line of; SIZE_MAX where there is none.
// No string functions: we may be here before libc has chosen them (an ifunc's resolver that allocates).
size_t group_limit(const char* groups, const char* marker, const char* mount, const char* file) {
  const char* group = nullptr;
  for (const char* at = groups; *at != 0 && group == nullptr; ++at) {
    size_t same = 0;
    while (marker[same] != 0 && at[same] == marker[same]) ++same;
    if (marker[same] == 0) group = at + same;
  }
  if (group == nullptr) return SIZE_MAX;
  Text path;
  path << mount;
  for (; *group != 0 && *group != '\n'; ++group) path.put(*group);
  path << file;
  path.put('\0');
  if (path.data()[path.size() - 1] != 0) return SIZE_MAX;  // a longer path than there is room for
  const FileText<32> limit(path.data());
  size_t bytes = 0;
  const char* digit = limit.text;
  for (; *digit >= '0' && *digit <= '9'; ++digit) bytes = bytes * 10 + static_cast<size_t>(*digit - '0');
  return digit == limit.text ? SIZE_MAX : bytes;
}

}  // namespace

void linux_futex_wait(std::atomic<uint32_t>* word, uint32_t expected) {
  KeepErrno keep;
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void linux_futex_wake(std::atomic<uint32_t>* word) {
  KeepErrno keep;
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

uint64_t linux_thread_id() { return reinterpret_cast<uintptr_t>(__builtin_thread_pointer()); }

void linux_pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// A timed futex wait on a word nobody wakes: sched_yield is not among the calls we allow ourselves.
void linux_yield() {
  KeepErrno keep;
  static constinit std::atomic<uint32_t> never{0};
  const timespec brief{0, 200'000};
  syscall(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, &brief, nullptr, 0);
}

bool linux_write_all(int file, const char* text, size_t bytes) {
  KeepErrno keep;
  while (bytes > 0) {
    const ssize_t n = write(file, text, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text += n;
    bytes -= static_cast<size_t>(n);
  }
  return true;
}

void linux_write_error(const char* text, size_t bytes) {
  linux_write_all(g_error_stream.load(std::memory_order_relaxed), text, bytes);  // relaxed: set at start
}

void linux_keep_error_stream() {
  KeepErrno keep;
  constexpr int kOutOfTheWay = 200;
  const int copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kOutOfTheWay);
  if (copy >= 0) g_error_stream.store(copy, std::memory_order_relaxed);  // relaxed: no other thread is there yet
}

void linux_abort() { abort(); }

bool linux_secure_process() { return getauxval(AT_SECURE) != 0; }

void linux_environment_at_start(char** strings) {
  if (environ == nullptr) environ = strings;
}

const char* linux_environment(const char* name) { return environ == nullptr ? nullptr : getenv(name); }

size_t LinuxOs::page_size() const {
  static constinit std::atomic<size_t> cached{0};
  // relaxed: every thread computes the same value.
  size_t size = cached.load(std::memory_order_relaxed);
  if (size == 0) {
    size = getauxval(AT_PAGESZ);
    if (size < kPage) size = kPage;
    cached.store(size, std::memory_order_relaxed);
  }
  return size;
}

void* LinuxOs::reserve(size_t bytes, size_t align) { return map_aligned(bytes, align, PROT_NONE, MAP_NORESERVE); }

bool LinuxOs::claim(void* at, size_t bytes) {
  void* p = map_pages(at, bytes, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
  if (p == nullptr || p == at) return p == at;
  unmap_pages(reinterpret_cast<uintptr_t>(p), bytes);  // a kernel before 4.17 takes the flag for a hint
  return false;
}

bool LinuxOs::commit(void* at, size_t bytes) {
  KeepErrno keep;
  return mprotect(at, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool LinuxOs::decommit(void* at, size_t bytes) {
  return map_pages(at, bytes, PROT_NONE, MAP_NORESERVE | MAP_FIXED) != nullptr;
}

bool LinuxOs::purge(void* at, size_t bytes) {
  KeepErrno keep;
  return madvise(at, bytes, MADV_DONTNEED) == 0;
}

void* LinuxOs::map(size_t bytes, size_t align) { return map_aligned(bytes, align, PROT_READ | PROT_WRITE, 0); }

void LinuxOs::unmap(void* at, size_t bytes) { unmap_pages(reinterpret_cast<uintptr_t>(at), bytes); }

void* LinuxOs::remap(void* at, size_t old_bytes, size_t new_bytes) {
  KeepErrno keep;
  void* p = mremap(at, old_bytes, new_bytes, MREMAP_MAYMOVE);
  return p == MAP_FAILED ? nullptr : p;
}

void LinuxOs::huge(void* at, size_t bytes) {
  KeepErrno keep;
  madvise(at, bytes, MADV_HUGEPAGE);
}

uint64_t LinuxOs::now_ms() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000 + static_cast<uint64_t>(t.tv_nsec) / 1'000'000;
}

// At start only. The kernel's 16 bytes at AT_RANDOM stand in where getrandom is not to be had.
uint64_t LinuxOs::random() {
  KeepErrno keep;
  uint64_t r = 0;
  if (getrandom(&r, sizeof(r), GRND_NONBLOCK) == sizeof(r)) return r;
  uint64_t seed[2] = {};  // there they lie at any address
  if (const auto* given = reinterpret_cast<const void*>(getauxval(AT_RANDOM))) __builtin_memcpy(seed, given, sizeof(seed));
  return seed[0] ^ seed[1] ^ (reinterpret_cast<uintptr_t>(&r) * 0x9E3779B97F4A7C15u);
}

// At start only. Control groups, version 2 and 1, may allow less than there is.
size_t LinuxOs::physical_memory() {
  KeepErrno keep;
  struct sysinfo info {};
  const size_t all = sysinfo(&info) != 0 ? kGiB : static_cast<size_t>(info.totalram) * info.mem_unit;
  const FileText<2048> groups("/proc/self/cgroup");
  return min_of(all, min_of(group_limit(groups.text, "0::", "/sys/fs/cgroup", "/memory.max"),
                            group_limit(groups.text, ":memory:", "/sys/fs/cgroup/memory", "/memory.limit_in_bytes")));
}

size_t LinuxOs::address_space_limit() {
  KeepErrno keep;
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
  return limit.rlim_cur;
}

}  // namespace masu
