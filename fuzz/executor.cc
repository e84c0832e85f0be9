// Tries whatever malloc is preloaded: traces made from a seed, native threads, rules that hold for any
// allocator. It has no heap of its own (static arrays and system calls), so that each finding is the
// allocator's. Usage: executor FIRST COUNT Seed 0 is the table of returns and errno. Each seed runs in a
// child with a time limit; the exit status is 1 when any of them found something.
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr unsigned kSlots = 512, kOperations = 10000, kRounds = 4, kThreads = 4, kSecondsPerTrace = 20;
constexpr size_t kSlackPages = 16384;  // 64 MiB: what a cache may keep and is not yet a loss

struct Block {
  unsigned char* at;
  size_t size, usable;
  unsigned char key;
};

struct Slot {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  Block block{};
};
Slot slots[kSlots];

struct Random {
  uint64_t state;
  uint64_t operator()() {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state * 0x2545F4914F6CDD1DU;
  }
};

[[noreturn]] void found(const char* what, const Block& block) {
  dprintf(STDOUT_FILENO, "found: %s (block %p, size %zu, usable %zu)\n", what, static_cast<void*>(block.at),
          block.size, block.usable);
  _exit(1);
}

void expect(bool holds, const char* what) {
  if (!holds) found(what, Block{});
}

void fill(Block& block, unsigned char key) {
  block.key = key;
  memset(block.at, key, block.usable);
}

/// The first `bytes` still hold what was written: nobody else was given them, and no call changed them.
void check(const Block& block, size_t bytes, const char* what) {
  for (size_t i = 0; i < bytes; i++)
    if (block.at[i] != block.key) found(what, block);
}

void measure(Block& block, size_t alignment) {
  block.usable = malloc_usable_size(block.at);
  if (reinterpret_cast<uintptr_t>(block.at) % alignment != 0) found("misaligned", block);
  if (block.usable < block.size) found("usable size below what was asked", block);
}

size_t size_of(Random& random) {
  const uint64_t draw = random();
  const unsigned tier = draw % 64;
  if (tier < 24) return size_t{16} << (draw >> 8) % 6;  // few sizes, often: blocks come back soon
  const size_t bound = tier < 48 ? 1024 : tier < 60 ? 32768 : tier < 63 ? 262144 : 2097152;
  return 1 + (draw >> 8) % bound;
}

void allocate(Block& block, Random& random) {
  block.size = size_of(random);
  size_t alignment = block.size < 16 ? 8 : 16;
  void* at = nullptr;
  switch (random() % 8) {
    case 0:
      at = calloc(1, block.size);
      if (at) {
        block = {static_cast<unsigned char*>(at), block.size, block.size, 0};
        check(block, block.size, "calloc is not zero");
      }
      break;
    case 1:
      alignment = size_t{8} << random() % 10;
      if (posix_memalign(&at, alignment, block.size) != 0) at = nullptr;
      break;
    default:
      at = malloc(block.size);
  }
  if (at == nullptr) found("allocation failed", block);
  block.at = static_cast<unsigned char*>(at);
  measure(block, alignment);
  fill(block, static_cast<unsigned char>(1 + random() % 255));
}

void resize(Block& block, Random& random) {
  const size_t before = block.size;
  const size_t size = size_of(random);
  void* at = realloc(block.at, size);
  if (at == nullptr) found("realloc failed", block);
  block.at = static_cast<unsigned char*>(at);
  block.size = size;
  measure(block, size < 16 ? 8 : 16);
  check(block, before < size ? before : size, "realloc lost contents");
  fill(block, block.key);
}

void release(Block& block) {
  errno = 4321;
  free(block.at);
  if (errno != 4321) found("free changed errno", block);
  block = {};
}

void step(Random& random) {
  Slot& slot = slots[random() % kSlots];
  pthread_mutex_lock(&slot.lock);
  Block& block = slot.block;
  if (block.at == nullptr) {
    allocate(block, random);
  } else {
    if (malloc_usable_size(block.at) != block.usable) found("usable size changed", block);
    check(block, block.usable, "contents changed: two blocks overlap");
    if (random() % 4 == 0) {
      resize(block, random);
    } else {
      release(block);
    }
  }
  pthread_mutex_unlock(&slot.lock);
}

void* work(void* seed) {
  Random random{reinterpret_cast<uintptr_t>(seed)};
  for (unsigned i = 0; i < kOperations; i++) step(random);
  return nullptr;
}

size_t resident_pages() {
  char text[128] = {};
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  expect(file >= 0 && read(file, text, sizeof text - 1) > 0, "statm cannot be read");
  close(file);
  return strtoul(strchr(text, ' '), nullptr, 10);
}

bool obeyed = true;

void rule(bool holds, const char* what) {
  if (holds) return;
  dprintf(STDOUT_FILENO, "found: %s (errno %d)\n", what, errno);
  obeyed = false;
}

void refused(const void* result, const char* what) {
  rule(result == nullptr && errno == ENOMEM, what);
  errno = 0;
}

/// What POSIX, C23 and glibc promise of calls that cannot be served, and of size 0. Every broken rule is
/// named.
void check_returns() {
  static volatile size_t huge = SIZE_MAX / 2 + 1, half = SIZE_MAX / 2,
                         three = 3;  // volatile: the compiler knows malloc
  errno = 0;
  refused(malloc(huge), "malloc above PTRDIFF_MAX");
  refused(calloc(half, three), "calloc overflow");
  refused(reallocarray(nullptr, half, three), "reallocarray overflow");
  auto* block = static_cast<char*>(malloc(100));
  block[99] = 7;
  refused(realloc(block, huge), "realloc above PTRDIFF_MAX");
  rule(block[99] == 7, "failed realloc changed the block");
  free(block);
  void* out = nullptr;
  rule(posix_memalign(&out, three, 8) == EINVAL, "posix_memalign takes alignment 3");
  rule(posix_memalign(&out, 4, 8) == EINVAL, "posix_memalign takes alignment 4");
  out = nullptr;
  rule(posix_memalign(&out, 64, huge) == ENOMEM && out == nullptr, "posix_memalign above PTRDIFF_MAX");
  void* one = malloc(three - 3);
  void* two = malloc(three - 3);
  rule(one != nullptr && two != nullptr && one != two, "malloc(0) is not a block of its own");
  free(one);
  free(two);
  free(nullptr);
  rule(malloc_usable_size(nullptr) == 0, "usable size of null");
  if (!obeyed) _exit(1);
}

void run(uintptr_t seed) {
  if (seed == 0) return check_returns();
  const unsigned threads = 1 + seed % kThreads;
  size_t first = 0;
  for (unsigned round = 0; round < kRounds; round++) {
    pthread_t others[kThreads];
    for (unsigned t = 0; t < threads; t++) {
      const uintptr_t own = (seed * kRounds + round) * kThreads + t + 1;
      expect(
          pthread_create(&others[t], nullptr, work, reinterpret_cast<void*>(own * 0x9E3779B97F4A7C15U)) == 0,
          "no thread");
    }
    for (unsigned t = 0; t < threads; t++) pthread_join(others[t], nullptr);
    for (Slot& slot : slots)
      if (slot.block.at != nullptr)
        check(slot.block, slot.block.usable, "contents changed: two blocks overlap"), release(slot.block);
    if (round == 0) first = resident_pages();
  }
  expect(resident_pages() <= 2 * first + kSlackPages, "memory is lost: resident pages grow after free-all");
}

/// True when the seed's trace found nothing.
bool try_seed(uintptr_t seed) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(kSecondsPerTrace);
    run(seed);
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return false;
  if (status == 0) return true;
  if (WIFSIGNALED(status))
    dprintf(STDOUT_FILENO, "found: %s\n",
            WTERMSIG(status) == SIGALRM ? "no end within the time limit" : strsignal(WTERMSIG(status)));
  dprintf(STDOUT_FILENO, "seed %lu: again with: LD_PRELOAD=PATH/TO/PEER.so executor %lu 1\n", seed, seed);
  return false;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    dprintf(STDERR_FILENO, "usage: executor FIRST COUNT\n");
    return 2;
  }
  const uintptr_t first = strtoul(arguments[1], nullptr, 10), seeds = strtoul(arguments[2], nullptr, 10);
  unsigned bad = 0;
  unsigned long operations = 0;
  for (uintptr_t seed = first; seed < first + seeds; seed++) {
    bad += !try_seed(seed);
    operations += seed == 0 ? 0 : (1 + seed % kThreads) * kRounds * kOperations;
  }
  dprintf(STDOUT_FILENO, "%lu traces, up to %lu operations, %u traces found something\n", seeds, operations,
          bad);
  return bad != 0;
}
