// What every benchmark workload shares: random numbers, mapped arrays, block stamps, thread teams and the meter.
// The harness takes its own memory from mmap, each shared object on its own 128 bytes, so that the allocator under
// test (LD_PRELOAD only, never linked) cannot decide the harness's cache-line layout.
// Invariant: a stamped block reads back as written until retire(); anything else is counted as broken.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>

namespace bench {

inline constexpr size_t kApart = 128;  // two 64-byte lines: the adjacent-line prefetcher pairs them

[[noreturn]] inline void die(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::exit(2);
}

class Rng {  // xorshift64*: deterministic, a few instructions, no shared state
 public:
  explicit Rng(uint64_t seed) : state_((seed + 1) * 0x9E3779B97F4A7C15u) {}
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Du;
  }
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(((next() >> 32) * bound) >> 32); }
  size_t between(size_t low, size_t high) { return low + below(static_cast<uint32_t>(high - low + 1)); }

 private:
  uint64_t state_;
};

inline void* map_bytes(size_t bytes) {
  void* p = mmap(nullptr, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) die("the benchmark's own mmap failed");
  return p;
}

// Zeroed, never unmapped: a workload is one run of one process.
template <class T>
T* map_array(size_t count) {
  return static_cast<T*>(map_bytes(count * sizeof(T)));
}

// One per thread; summed after the join.
struct alignas(kApart) Tally {
  uint64_t ops = 0, failed = 0, broken = 0, local = 0, remote = 0, fallback = 0, check = 0;
  void add(const Tally& t) {
    ops += t.ops, failed += t.failed, broken += t.broken;
    local += t.local, remote += t.remote, fallback += t.fallback, check += t.check;
  }
};

inline Tally sum(const Tally* tallies, unsigned count) {
  Tally all;
  for (unsigned i = 0; i < count; ++i) all.add(tallies[i]);
  return all;
}

// A block's first word holds its size and a serial, its last word the same mixed with its address. Blocks are >= 16 bytes.
inline constexpr size_t kSmallest = 16;
inline constexpr int kSizeBits = 40;

inline uint64_t tail_of(uint64_t head, const void* p) { return (head ^ reinterpret_cast<uintptr_t>(p)) * 0x9E3779B97F4A7C15u; }

inline size_t stamped_size(const void* p) {
  uint64_t head;
  std::memcpy(&head, p, 8);
  return head & ((uint64_t{1} << kSizeBits) - 1);
}

inline void stamp(void* p, size_t size, uint64_t serial) {
  const uint64_t head = (serial << kSizeBits) | size, tail = tail_of(head, p);
  std::memcpy(static_cast<char*>(p) + size - 8, &tail, 8);
  std::memcpy(p, &head, 8);
}

// Checks and erases the stamp, so that a block handed out twice is found by its second user. False: broken.
inline bool retire(void* p, size_t largest) {
  uint64_t head, tail;
  std::memcpy(&head, p, 8);
  const size_t size = stamped_size(p);
  if (size < kSmallest || size > largest) return false;
  std::memcpy(&tail, static_cast<char*>(p) + size - 8, 8);
  const uint64_t gone = 0;
  std::memcpy(p, &gone, 8);
  asm volatile("" : : "r"(p) : "memory");  // or the compiler drops the store before free
  return tail == tail_of(head, p);
}

inline double seconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

inline void sleep_ms(unsigned ms) {
  timespec t{static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000) * 1000000};
  nanosleep(&t, nullptr);
}

// A number out of a /proc file, read without stdio (which would allocate). 0 when absent.
inline long proc_number(const char* path, const char* after) {
  char text[4096];
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  if (got <= 0) return 0;
  text[got] = 0;
  const char* at = std::strstr(text, after);
  return at ? std::strtol(at + std::strlen(after), nullptr, 10) : 0;
}

inline long peak_rss_kib() { return proc_number("/proc/self/status", "VmHWM:"); }
inline long rss_kib() { return proc_number("/proc/self/status", "VmRSS:"); }

// Adds up wall, user and system time and faults of the measured stretches.
class Meter {
 public:
  Meter() : born_(seconds()) {}
  void start() {
    getrusage(RUSAGE_SELF, &before_);
    from_ = seconds();
  }
  void stop() {
    wall_ += seconds() - from_;
    rusage now;
    getrusage(RUSAGE_SELF, &now);
    user_ += span(before_.ru_utime, now.ru_utime);
    system_ += span(before_.ru_stime, now.ru_stime);
    faults_ += now.ru_minflt - before_.ru_minflt + now.ru_majflt - before_.ru_majflt;
    voluntary_ += now.ru_nvcsw - before_.ru_nvcsw;
  }
  // One line of resident memory over time, for the gate's picture.
  void sample(const char* phase) {
    const double wait = seconds();
    std::printf("sample\t%.4f\t%ld\t%s\n", wait - born_, rss_kib(), phase);
  }
  // Prints the figures; the return value is the process's exit status. `own_kib`: the workload's own memory, not counted.
  int report(const Tally& all, long own_kib = 0) const {
    std::printf("time=%.6f\nops/s=%.0f\nfailed=%llu\nbroken=%llu\n", wall_, wall_ > 0 ? static_cast<double>(all.ops) / wall_ : 0.0,
                static_cast<unsigned long long>(all.failed), static_cast<unsigned long long>(all.broken));
    std::printf("user=%.6f\nsys=%.6f\nfaults=%ld\nvoluntary_switches=%ld\nrss_kib=%ld\n", user_, system_, faults_, voluntary_,
                peak_rss_kib() - own_kib);
    if (all.broken) std::fprintf(stderr, "%llu blocks did not hold what was written to them\n", static_cast<unsigned long long>(all.broken));
    return all.broken ? 1 : 0;
  }

 private:
  static double span(const timeval& a, const timeval& b) {
    return static_cast<double>(b.tv_sec - a.tv_sec) + 1e-6 * static_cast<double>(b.tv_usec - a.tv_usec);
  }
  double born_, from_ = 0, wall_ = 0, user_ = 0, system_ = 0;
  long faults_ = 0, voluntary_ = 0;
  rusage before_{};
};

// Runs body(index) in `count` threads at once. With a meter, only the time after all have started counts, joins included. No thread
// ends before all are done where `together`: how many are alive is not the schedule's choice then.
template <class Body>
void run_team(unsigned count, Body& body, Meter* meter = nullptr, bool together = false) {
  struct alignas(kApart) Member {
    Body* body;
    pthread_barrier_t* gate;
    unsigned index;
    bool together;
    pthread_t thread;
  };
  struct alignas(kApart) Shared {
    pthread_barrier_t gate;
  };
  auto* shared = map_array<Shared>(1);
  pthread_barrier_init(&shared->gate, nullptr, count + 1);
  Member* members = map_array<Member>(count);
  for (unsigned i = 0; i < count; ++i) {
    members[i] = {&body, &shared->gate, i, together, {}};
    auto entry = [](void* raw) -> void* {
      auto* me = static_cast<Member*>(raw);
      pthread_barrier_wait(me->gate);
      (*me->body)(me->index);
      if (me->together) pthread_barrier_wait(me->gate);
      return nullptr;
    };
    if (pthread_create(&members[i].thread, nullptr, entry, &members[i]) != 0) die("pthread_create failed: fewer threads, please");
  }
  if (meter) meter->start();
  pthread_barrier_wait(&shared->gate);
  if (together) pthread_barrier_wait(&shared->gate);
  for (unsigned i = 0; i < count; ++i) pthread_join(members[i].thread, nullptr);
  if (meter) meter->stop();
  pthread_barrier_destroy(&shared->gate);
  munmap(members, count * sizeof(Member));
  munmap(shared, sizeof *shared);
}

}  // namespace bench
