// Tries whatever malloc is preloaded: traces performed by native threads, and rules that hold for any allocator. It has no
// heap of its own (mappings and system calls), so that each finding is the allocator's. A trace is a file (trace/trace.h) or
// made from a seed; seed 0 is the table of returns and errno. Each runs in a child with a time limit; the exit status is
// 1 when any of them found something. --write prints a seed's trace as text, for a minimizer.
#include <fcntl.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/executor_traces.h"
#include "trace/replay.h"

namespace {

using masu::trace::Kind;
using masu::trace::Mapped;
using masu::trace::Operation;
using masu::trace::Order;
using masu::trace::Trace;

constexpr size_t kSlackPages = 16384;  // 64 MiB: what a cache may keep and is not yet a loss
constexpr size_t kSurelyServed = size_t{1} << 30;
constexpr uint64_t kOdd = 0x9E3779B97F4A7C15U;

struct Options {
  Order order = Order::kOfBlocks;
  unsigned long rounds = 1, seconds = 20;
};

struct Block {
  unsigned char* at;  // null: none
  size_t size, usable;
  uint64_t key;  // which life of which block this is; every word holds it, mixed
};

void tell(const char* what, const Operation& op, uint32_t index) {
  dprintf(STDOUT_FILENO, "found: %s (operation %u: %u %s %u %lu)\n", what, index, op.thread,
          masu::trace::kind_name(op.kind), op.block, op.size);
}

[[noreturn]] void found(const char* what, const Operation& op, uint32_t index) {
  tell(what, op, index);
  _exit(1);
}

std::atomic<bool> wrong_errno{false}, unserved{false};

// A wrong answer after which the trace goes on: told once.
void found_once(std::atomic<bool>& before, const char* what, const Operation& op, uint32_t index) {
  if (!before.exchange(true)) tell(what, op, index);
}

class Checker {
 public:
  explicit Checker(const Trace& trace) : blocks_(trace.blocks) {}

  void operator()(const Operation& op, uint32_t index, uint32_t) const {
    Block& block = blocks_.at[op.block];
    const uint64_t key = uint64_t{op.block} << 32 | (op.turn + 1);
    if (op.kind == Kind::kFree || op.kind == Kind::kUsable || op.kind == Kind::kRealloc) look(block, op, index);
    switch (op.kind) {
      case Kind::kFree: return release(block, op, index);
      case Kind::kUsable: return;
      case Kind::kRealloc: return resize(block, key, op, index);
      default: return allocate(block, key, op, index);
    }
  }

  // What is alive at the end.
  void release_all() const {
    for (uint32_t b = 0; b < blocks_.count; ++b) {
      const Operation op{0, b, 0, 0, 0, Kind::kFree, 0};
      look(blocks_.at[b], op, masu::trace::kNoOperation);
      release(blocks_.at[b], op, masu::trace::kNoOperation);
    }
  }

 private:
  static void fill(const Block& block) {
    const uint64_t word = block.key * kOdd;
    size_t i = 0;
    for (; i + 8 <= block.usable; i += 8) __builtin_memcpy(block.at + i, &word, 8);
    memcpy(block.at + i, &word, block.usable - i);
  }

  // The first `bytes` still hold what was written: nobody else was given them, and no call changed them.
  static void check(const Block& block, size_t bytes, const char* what, const Operation& op, uint32_t index) {
    const uint64_t word = block.key * kOdd;
    uint64_t now = word;
    size_t i = 0;
    for (; i + 8 <= bytes && now == word; i += 8) __builtin_memcpy(&now, block.at + i, 8);
    if (now == word && memcmp(block.at + i, &word, bytes - i) == 0) return;
    if (now != word) i -= 8;
    tell_change(block, i, now);
    found(i < block.size ? what : "contents changed behind what was asked, within the usable size", op, index);
  }

  // The key's inverse tells whose contents lie there now.
  static void tell_change(const Block& block, size_t at, uint64_t now) {
    uint64_t inverse = kOdd;
    for (unsigned i = 0; i < 5; ++i) inverse *= 2 - kOdd * inverse;
    dprintf(STDOUT_FILENO, "  at byte %zu of %zu asked, %zu usable, at %p: %#lx", at, block.size, block.usable,
            static_cast<void*>(block.at), now);
    dprintf(STDOUT_FILENO, ", which were it another block's would be block %lu's, life %lu\n", now * inverse >> 32,
            now * inverse & UINT32_MAX);
  }

  static void look(const Block& block, const Operation& op, uint32_t index) {
    if (block.at == nullptr) return;
    if (malloc_usable_size(block.at) != block.usable) found("usable size changed", op, index);
    check(block, block.usable, "contents changed: two blocks overlap", op, index);
  }

  static void measure(Block& block, size_t alignment, const Operation& op, uint32_t index) {
    block.usable = malloc_usable_size(block.at);
    if (reinterpret_cast<uintptr_t>(block.at) % alignment != 0) found("misaligned", op, index);
    if (block.usable >= block.size) return;
    dprintf(STDOUT_FILENO, "  %zu bytes usable at %p\n", block.usable, static_cast<void*>(block.at));
    found("usable size below what was asked", op, index);
  }

  // Null may come of what no machine has; anything else is served.
  static void refused(const Operation& op, uint32_t index) {
    if (errno != ENOMEM) found_once(wrong_errno, "null without ENOMEM", op, index);
    if (op.size < kSurelyServed) found_once(unserved, "refused", op, index);
  }

  static size_t natural_alignment(size_t size) { return size < 16 ? 8 : 16; }

  static void allocate(Block& block, uint64_t key, const Operation& op, uint32_t index) {
    size_t alignment = natural_alignment(op.size);
    void* at = nullptr;
    errno = 0;
    if (op.kind == Kind::kAligned) {
      if (alignment < size_t{1} << op.align_log2) alignment = size_t{1} << op.align_log2;
      const int error = posix_memalign(&at, alignment, op.size);
      if (error != 0) errno = error;
    } else {
      at = op.kind == Kind::kCalloc ? calloc(1, op.size) : malloc(op.size);
    }
    if (at == nullptr) return refused(op, index);
    block = {static_cast<unsigned char*>(at), op.size, op.size, 0};
    if (op.kind == Kind::kCalloc) check(block, op.size, "calloc is not zero", op, index);
    block.key = key;
    measure(block, alignment, op, index);
    fill(block);
  }

  static void resize(Block& block, uint64_t key, const Operation& op, uint32_t index) {
    errno = 0;
    void* at = realloc(block.at, op.size);
    if (at == nullptr && op.size != 0) return refused(op, index);
    const size_t kept = block.at == nullptr ? 0 : op.size < block.size ? op.size : block.size;
    block.at = static_cast<unsigned char*>(at);
    block.size = op.size;
    if (at == nullptr) return;  // realloc to nothing
    measure(block, natural_alignment(op.size), op, index);
    check(block, kept, "realloc lost contents", op, index);
    block.key = key;
    fill(block);
  }

  static void release(Block& block, const Operation& op, uint32_t index) {
    errno = 4321;
    free(block.at);
    if (errno != 4321) found("free changed errno", op, index);
    block.at = nullptr;
  }

  Mapped<Block> blocks_;
};

size_t resident_pages() {
  char text[128] = {};
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  const bool good = file >= 0 && read(file, text, sizeof text - 1) > 0;
  close(file);
  return good ? strtoul(strchr(text, ' '), nullptr, 10) : 0;
}

void perform(const Trace& trace, const Options& options) {
  const Checker checker(trace);
  masu::trace::Replay replay(trace, checker, options.order);
  size_t first = 0;
  for (unsigned long round = 0; round < options.rounds; ++round) {
    if (!replay.run()) {
      dprintf(STDOUT_FILENO, "found: no thread could be started\n");
      _exit(1);
    }
    checker.release_all();
    if (round == 0) first = resident_pages();
  }
  size_t last = resident_pages();
  // A cache that gives back after a while, or at the next call, is none.
  for (unsigned tenths = 0; tenths < 30 && last > 2 * first + kSlackPages; ++tenths) {
    usleep(100000);
    free(malloc(100000));
    last = resident_pages();
  }
  const bool lost = last > 2 * first + kSlackPages;
  if (lost) dprintf(STDOUT_FILENO, "found: memory is lost: resident pages after free-all (went from %zu to %zu)\n", first, last);
  if (lost || wrong_errno || unserved) _exit(1);
}

// Runs in a child. True when nothing was found; else how to do it again is told.
template <class Body>
bool in_child(const Options& options, const char* again, const Body& body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(static_cast<unsigned>(options.seconds));
    body();
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return false;
  if (status == 0) return true;
  if (WIFSIGNALED(status))
    dprintf(STDOUT_FILENO, "found: %s\n",
            WTERMSIG(status) == SIGALRM ? "no end within the time limit" : strsignal(WTERMSIG(status)));
  dprintf(STDOUT_FILENO, "again with: LD_PRELOAD=PATH/TO/PEER.so executor %s\n", again);
  return false;
}

bool try_file(const char* path, const Options& options) {
  return in_child(options, path, [&] {
    const masu::trace::Loaded loaded = masu::trace::load(path);
    if (loaded.error != nullptr) {
      dprintf(STDERR_FILENO, "executor: %s, line %zu: %s\n", path, loaded.line, loaded.error);
      _exit(2);
    }
    perform(loaded.trace, options);
  });
}

bool try_seed(unsigned long seed, Options options) {
  char again[64];
  snprintf(again, sizeof again, "--seeds %lu 1", seed);
  options.rounds = 4;
  return in_child(options, again, [&] {
    if (seed == 0) return masu::fuzz::check_returns();
    perform(masu::fuzz::trace_of_seed(seed), options);
  });
}

[[noreturn]] void usage() {
  dprintf(STDERR_FILENO,
          "usage: executor [--in-order] [--rounds N] [--seconds N] TRACE...\n"
          "       executor [--in-order] [--seconds N] --seeds FIRST COUNT\n"
          "       executor --write SEED\n");
  _exit(2);
}

unsigned long number(const char* text, unsigned long least) {
  char* rest = nullptr;
  const unsigned long value = text == nullptr ? 0 : strtoul(text, &rest, 10);
  if (text == nullptr || rest == text || *rest != 0 || value < least) usage();
  return value;
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  char** at = arguments + 1;
  for (; *at != nullptr && strncmp(*at, "--", 2) == 0; ++at) {
    if (strcmp(*at, "--in-order") == 0) {
      options.order = Order::kOfAll;
    } else if (strcmp(*at, "--rounds") == 0) {
      options.rounds = number(*++at, 1);
    } else if (strcmp(*at, "--seconds") == 0) {
      options.seconds = number(*++at, 1);
    } else {
      break;
    }
  }
  if (*at != nullptr && strcmp(*at, "--write") == 0 && at + 2 == arguments + count) {
    return masu::trace::write_text(masu::fuzz::trace_of_seed(number(at[1], 1)), STDOUT_FILENO) ? 0 : 1;
  }
  unsigned long tried = 0, bad = 0;
  if (*at != nullptr && strcmp(*at, "--seeds") == 0 && at + 3 == arguments + count) {
    tried = number(at[2], 1);
    for (unsigned long i = 0; i < tried; ++i) bad += !try_seed(number(at[1], 0) + i, options);
  } else {
    if (*at == nullptr || **at == '-') usage();
    for (; *at != nullptr; ++at, ++tried) bad += !try_file(*at, options);
  }
  dprintf(STDOUT_FILENO, "%lu traces, %lu found something\n", tried, bad);
  return bad != 0;
}
