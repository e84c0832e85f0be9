// Replays what `masu record` recorded of a real program: the same calls by the same threads, each thread's in its order and
// each block's in the order of the recording, so that a free by another thread waits for the malloc. The program's own work
// in between is left out.
#include <malloc.h>

#include "arguments.h"
#include "harness.h"
#include "trace/replay.h"

namespace {

using namespace bench;
using masu::trace::Kind;
using masu::trace::Operation;
using masu::trace::Trace;

struct Block {
  char* at;
  uint64_t size;
};

enum Touch : unsigned { kNone, kEnds, kWhole };

struct Calls {
  Touch touch;
  Block* blocks;
  Tally* tallies;

  // Of two live blocks no two are the same.
  uint64_t mark_of(const Block& block) const { return (reinterpret_cast<uintptr_t>(block.at) ^ static_cast<uint64_t>(&block - blocks)) * 0x9E3779B97F4A7C15u; }

  void mark(Block& block, uint64_t size) const {
    block.size = size;
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

  void operator()(const Operation& op, uint32_t, uint32_t thread) const {
    Block& block = blocks[op.block];
    Tally& tally = tallies[thread];
    switch (op.kind) {
      case Kind::kRealloc: resize(op, block, tally); break;
      case Kind::kFree: release(block, tally); break;
      case Kind::kUsable: tally.check += malloc_usable_size(block.at); break;
      default: allocate(op, block, tally);
    }
    ++tally.ops;
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
  const Calls calls{touch, map_array<Block>(trace.blocks), map_array<Tally>(trace.threads)};
  masu::trace::Replay replay(trace, calls, masu::trace::Order::kOfBlocks);
  Tally left;
  Meter meter;
  for (uint64_t round = 0; round < rounds; ++round) {
    meter.start();
    if (!replay.run()) die("pthread_create failed");
    meter.stop();
    for (uint32_t b = 0; b < trace.blocks; ++b) calls.release(calls.blocks[b], left);  // what the program never freed
  }
  Tally all = sum(calls.tallies, trace.threads);
  all.add(left);
  const size_t own = trace.bytes + trace.blocks * (sizeof(Block) + sizeof(uint32_t));
  std::printf("threads=%u\ntrace_kib=%zu\n", trace.threads, own / 1024);
  return meter.report(all, static_cast<long>(own / 1024));
}
