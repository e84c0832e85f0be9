// Replays what `masu record` recorded of a real program: the same calls by the same threads, each thread's in its order and
// each block's in the order of the recording, so that a free by another thread waits for the malloc. A thread begins when
// all those are gone that had ended before its first call. The program's own work in between is left out.
#include <atomic>

#include <malloc.h>

#include "arguments.h"
#include "harness.h"
#include "trace/trace.h"

namespace {

using namespace bench;
using masu::trace::Kind;
using masu::trace::kNoOperation;
using masu::trace::Operation;
using masu::trace::Trace;

struct Block {
  char* at;
  uint32_t size;               // of what is marked, at most 4 GiB
  std::atomic<uint32_t> done;  // operations so far
};

enum Touch : unsigned { kNone, kEnds, kWhole };

struct Replay {
  Trace trace;
  Touch touch;
  Block* blocks;
  pthread_t* threads;
  Tally* tallies;

  // Of two live blocks no two are the same.
  uint64_t mark_of(const Block& block) const { return (reinterpret_cast<uintptr_t>(block.at) ^ static_cast<uint64_t>(&block - blocks)) * 0x9E3779B97F4A7C15u; }

  void mark(Block& block, uint64_t size) const {
    block.size = static_cast<uint32_t>(size < UINT32_MAX ? size : UINT32_MAX);
    if (touch == kNone || size < 8) return;
    const uint64_t value = mark_of(block);
    if (touch == kWhole) std::memset(block.at, static_cast<int>(value), size);
    std::memcpy(block.at, &value, 8);
    if (size >= 16) std::memcpy(block.at + block.size - 8, &value, 8);
  }
  // Whether the first word, and the last where it was kept too, are as they were marked; `at`: where the block is now.
  bool marked(const Block& block, const char* at, size_t kept) const {
    if (touch == kNone || kept < 8) return true;
    const uint64_t value = mark_of(block);
    const bool whole = kept == block.size && kept >= 16;
    return std::memcmp(at, &value, 8) == 0 && (!whole || std::memcmp(at + kept - 8, &value, 8) == 0);
  }

  void allocate(const Operation& op, Block& block, Tally& tally) const {
    void* p = op.kind == Kind::kMalloc ? malloc(op.size)
              : op.kind == Kind::kCalloc ? calloc(1, op.size)
                                         : memalign(size_t{1} << op.align_log2, op.size);
    block.at = static_cast<char*>(p);
    if (p == nullptr) {
      ++tally.failed;
      return;
    }
    if (op.kind == Kind::kCalloc && touch != kNone && op.size > 0 && (block.at[0] | block.at[op.size - 1]) != 0) ++tally.broken;
    mark(block, op.size);
  }

  void resize(const Operation& op, Block& block, Tally& tally) const {
    auto* p = static_cast<char*>(realloc(block.at, op.size));
    if (p == nullptr) {
      ++tally.failed;
      return;
    }
    if (block.at != nullptr && !marked(block, p, op.size < block.size ? op.size : block.size)) ++tally.broken;
    block.at = p;
    mark(block, op.size);
  }

  void release(Block& block, Tally& tally) const {
    if (block.at != nullptr && !marked(block, block.at, block.size)) ++tally.broken;
    free(block.at);
    block.at = nullptr;
  }

  void perform(const Operation& op, Tally& tally) const {
    Block& block = blocks[op.block];
    // acquire, pairs with the store below: what the other thread's operation did to the block.
    for (unsigned spins = 0; block.done.load(std::memory_order_acquire) != op.turn; ++spins)
      if (spins >= 100) sched_yield();
    switch (op.kind) {
      case Kind::kRealloc: resize(op, block, tally); break;
      case Kind::kFree: release(block, tally); break;
      case Kind::kUsable: tally.check += malloc_usable_size(block.at); break;
      default: allocate(op, block, tally);
    }
    block.done.store(op.turn + 1, std::memory_order_release);
    ++tally.ops;
  }

  void run_thread(uint32_t thread) const {
    Tally tally;
    for (uint32_t i = trace.first[thread]; i != kNoOperation; i = trace.operations[i].next) perform(trace.operations[i], tally);
    tallies[thread].add(tally);
  }

  struct Start {
    const Replay* replay;
    uint32_t thread;
  };

  // Threads are numbered by their first operation. `last[t]`: the last operation of thread t.
  void run(const uint32_t* last, Start* starts, bool* gone) const {
    for (uint32_t t = 0; t < trace.threads; ++t) {
      for (uint32_t before = 0; before < t; ++before) {
        if (gone[before] || last[before] > trace.first[t]) continue;
        pthread_join(threads[before], nullptr);
        gone[before] = true;
      }
      starts[t] = {this, t};
      auto entry = [](void* raw) -> void* {
        auto* start = static_cast<Start*>(raw);
        start->replay->run_thread(start->thread);
        return nullptr;
      };
      if (pthread_create(&threads[t], nullptr, entry, &starts[t]) != 0) die("pthread_create failed");
    }
    for (uint32_t t = 0; t < trace.threads; ++t)
      if (!gone[t]) pthread_join(threads[t], nullptr);
  }
};

Trace read_trace(const char* path) {
  const masu::trace::Loaded loaded = masu::trace::load(path);
  if (loaded.error == nullptr && loaded.trace.count > 0) return loaded.trace;
  std::fprintf(stderr, "%s: %s\n", path, loaded.error != nullptr ? loaded.error : "holds no operation");
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "TRACE rounds [touch: 0 nothing, 1 the ends of each block, 2 all of it]");
  const char* path = args.text("TRACE");
  const uint64_t rounds = args.number("rounds", 1, 1000000);
  const auto touch = static_cast<Touch>(args.number_or("touch", kNone, kWhole, kNone));
  args.end();
  const Trace trace = read_trace(path);
  auto* last = map_array<uint32_t>(trace.threads);
  for (uint32_t i = 0; i < trace.count; ++i) last[trace.operations[i].thread] = i;
  const Replay replay{trace, touch, map_array<Block>(trace.blocks), map_array<pthread_t>(trace.threads), map_array<Tally>(trace.threads)};
  auto* starts = map_array<Replay::Start>(trace.threads);
  Tally left;
  Meter meter;
  for (uint64_t round = 0; round < rounds; ++round) {
    auto* gone = map_array<bool>(trace.threads);
    meter.start();
    replay.run(last, starts, gone);
    meter.stop();
    munmap(gone, trace.threads);
    for (uint32_t b = 0; b < trace.blocks; ++b) {  // what the program never freed
      replay.release(replay.blocks[b], left);
      replay.blocks[b].done.store(0, std::memory_order_relaxed);
    }
  }
  Tally all = sum(replay.tallies, trace.threads);
  all.add(left);
  const size_t own = trace.bytes + trace.blocks * sizeof(Block);
  std::printf("threads=%u\ntrace_kib=%zu\n", trace.threads, own / 1024);
  return meter.report(all, static_cast<long>(own / 1024));
}
