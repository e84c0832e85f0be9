// shared_lines: counts the writes to cache lines that another thread has, by path of the release heap, on pretended threads.
// Ends with 1 where a path is above what the design promises (docs/design.md, What the cores share): none where a thread
// works with its own blocks, one for a batch of blocks freed for another.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "heap/allocator.h"
#include "shared_lines/lines.h"

namespace {

using namespace masu;

constexpr unsigned kThreads = 4;
constexpr char kBlocks[] = "blocks";

// Threads that take turns: no lock is ever held when another comes.
struct PretendedSync {
  template <class T>
  using Atomic = std::atomic<T>;
  class Mutex {
   public:
    constexpr explicit Mutex(LockRank) {}
    bool try_lock() { return state_.exchange(1) == 0; }
    void lock() { state_.exchange(1); }
    void unlock() { state_.exchange(0); }

   private:
    std::atomic<uint32_t> state_{0};
  };
  static bool below(size_t i, const Atomic<size_t>& bound) { return i < bound.load(std::memory_order_relaxed); }
  static inline void* selves[kThreads] = {};
  static void*& self(uint32_t) { return selves[lines::current()]; }
  static uint32_t attach() { return 1; }
  static void detach(uint32_t) {}
  static void arm_exit(void (*)(void*), void*) {}
  static uint64_t thread_id() { return lines::current() + 1; }
  static void pause() {}
  static void yield() {}
};
using Lane = Under<ReleaseLane, PretendedSync, LinuxOs>;
using Heap = Allocator<Lane>;

std::unique_ptr<Heap> current_heap;
Heap& heap() { return *current_heap; }

void as(unsigned thread) { lines::current() = thread; }

// A heap of its own for each path, with an owner for each thread, whose parts are known by name.
void fresh_heap() {
  lines::forget();
  for (void*& self : PretendedSync::selves) self = nullptr;
  if (current_heap) current_heap->destroy();
  current_heap = std::make_unique<Heap>();
  HeapConfig config;
  config.arena_limit = kGiB;
  if (!heap().init(config)) std::abort();
  auto& arena = heap().core().arena;
  auto& map = arena.map();
  const size_t pages = size_t{arena.planned()} * Lane::kSegmentPages;
  const size_t bits = pages * kGranulesPerPage / 8;
  auto* open = reinterpret_cast<char*>(map.open_words(0));
  auto* slabs = reinterpret_cast<char*>(&map.slab(0));
  lines::add_range("locks and counts", current_heap.get(), sizeof(Heap));
  lines::add_range(kBlocks, arena.at(0), pages * kPage);
  lines::add_range("live bits", open - bits, bits);
  lines::add_range("open bits", open, bits);
  lines::add_range("slabs", slabs, pages * sizeof(Slab));
  lines::add_range("tags", slabs + pages * sizeof(Slab), pages * sizeof(Tag));
  lines::add_range("segments", &arena.segment(0), arena.planned() * sizeof(arena.segment(0)));
  for (unsigned t = 0; t < kThreads; ++t) {
    as(t);
    heap().free(heap().malloc(1));
    auto& owner = *heap().core().owners[t];
    lines::add_range("owners", &owner, sizeof owner);
    lines::add_range("inboxes", &owner.inbox(), sizeof owner.inbox());
  }
}

bool good = true;

// One row: shared writes by where for each of so many `units`; more than `allowed` of them outside the blocks are too many.
void row(const std::string& path, double units, const char* unit, const lines::Counts& counts, double allowed = 1e9) {
  double all = 0, blocks = 0;
  std::string where;
  for (const auto& [name, n] : counts) {
    const double each = static_cast<double>(n) / units;
    if (name == kBlocks) {
      blocks = each;
      continue;
    }
    all += each;
    char text[60];
    snprintf(text, sizeof text, "%s%s %.3f", where.empty() ? "" : ", ", name.c_str(), each);
    if (each >= 0.0005) where += text;
  }
  const bool bad = all > allowed;
  good = good && !bad;
  printf("| %s | %.3f a %s | %s | %.3f |%s\n", path.c_str(), all, unit, where.c_str(), blocks, bad ? " TOO MANY" : "");
}
std::string bytes_of(size_t bytes) { return std::to_string(bytes) + " bytes"; }

using Blocks = std::vector<void*>;
void take(Blocks& blocks, unsigned n, size_t bytes) {
  for (unsigned i = 0; i < n; ++i) blocks.push_back(heap().malloc(bytes));
}
void give(Blocks& blocks) {
  for (void* p : blocks) heap().free(p);
  blocks.clear();
}

void add(lines::Counts& sum, const lines::Counts& more) {
  for (const auto& [name, n] : more) sum[name] += n;
}

// Every thread has blocks of its own, whose slabs were carved in turns and so lie side by side; then each frees and takes some,
// in turns. A class with any shared write has a row of its own.
void local_hits() {
  constexpr unsigned kRounds = 200, kPairs = 8;
  lines::Counts all;
  for (ClassId c = 0; c < Heap::C::kCount; ++c) {
    fresh_heap();
    const size_t bytes = Heap::C::size(c);
    Blocks blocks[kThreads];
    for (size_t i = 0; i < 8 + min_of<size_t>(100, kMiB / bytes); ++i) {
      for (unsigned t = 0; t < kThreads; ++t) {
        as(t);
        take(blocks[t], 1, bytes);
      }
    }
    auto rounds = [&] {
      for (unsigned round = 0; round < kRounds; ++round) {
        for (unsigned t = 0; t < kThreads; ++t) {
          as(t);
          for (unsigned i = 0; i < kPairs; ++i) {
            void*& block = blocks[t][(round * kPairs + i * 7) % blocks[t].size()];
            heap().free(block);
            block = heap().malloc(bytes);
          }
        }
      }
    };
    rounds();
    lines::start();
    rounds();
    const lines::Counts counts = lines::stop();
    if (!counts.empty()) row("  malloc and free of " + bytes_of(bytes), kRounds * kPairs * kThreads, "pair", counts, 0);
    add(all, counts);
  }
  row("malloc and free, served by the thread's bins, any class", kRounds * kPairs * kThreads * Heap::C::kCount, "pair", all, 0);
}

// More than the bins hold comes and goes in each thread.
void local_misses(size_t bytes, unsigned n) {
  constexpr unsigned kRounds = 20;
  fresh_heap();
  auto rounds = [&] {
    for (unsigned round = 0; round < kRounds; ++round) {
      for (unsigned t = 0; t < kThreads; ++t) {
        as(t);
        Blocks blocks;
        take(blocks, n, bytes);
        give(blocks);
      }
    }
  };
  rounds();
  lines::start();
  rounds();
  row(std::to_string(n) + " mallocs, then their frees, of " + bytes_of(bytes), double{kRounds} * kThreads * n, "pair", lines::stop());
}

// Blocks of another's slabs go to him in chains, each published by one write; he looks into his inbox after every one.
void remote_batch() {
  constexpr unsigned kBatches = 20;
  fresh_heap();
  lines::Counts counts;
  for (unsigned i = 0; i < kBatches; ++i) {
    Blocks blocks;
    as(0);
    take(blocks, Lane::kStashChain, 64);
    (void)heap().core().owners[0]->inbox_filled();
    as(1);
    lines::start();
    give(blocks);
    add(counts, lines::stop());
  }
  row("free for another thread, 64 bytes", static_cast<double>(heap().event(Event::kStashPush)), "batch of 64", counts, 1);
}

// One thread takes, the other frees, all the time: slabs and runs change hands.
void handed_over(size_t bytes, unsigned n) {
  constexpr unsigned kRounds = 50;
  fresh_heap();
  lines::Counts freeing, taking;
  for (unsigned round = 0; round < 2 * kRounds; ++round) {
    if (round == kRounds) freeing = taking = {};
    Blocks blocks;
    as(0);
    lines::start();
    take(blocks, n, bytes);
    add(taking, lines::stop());
    as(1);
    lines::start();
    give(blocks);
    add(freeing, lines::stop());
  }
  row("malloc of " + bytes_of(bytes) + " that another frees", double{kRounds} * n, "malloc", taking);
  row("free of " + bytes_of(bytes) + " that another took", double{kRounds} * n, "free", freeing);
}

void large() {
  constexpr unsigned kRounds = 50;
  fresh_heap();
  auto rounds = [] {
    for (unsigned round = 0; round < kRounds; ++round) {
      for (unsigned t = 0; t < 2; ++t) {
        as(t);
        heap().free(heap().malloc(kMiB));
      }
    }
  };
  rounds();
  lines::start();
  rounds();
  row("malloc and free of 1 MiB, two threads in turns", 2 * kRounds, "pair", lines::stop());
}

}  // namespace

int main() {
  printf("| path | shared writes | where | in the blocks |\n|---|---|---|---|\n");
  local_hits();
  remote_batch();
  for (size_t bytes : {64, 2048, 32768}) local_misses(bytes, static_cast<unsigned>(8 * kMiB / 4 / bytes));
  for (size_t bytes : {64, 2048, 32768}) handed_over(bytes, static_cast<unsigned>(2 * kMiB / bytes));
  large();
  return good ? 0 : 1;
}
