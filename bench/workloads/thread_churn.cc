// mstress-style: every round creates its threads anew; they keep some blocks for the round, exchange some with the
// others through shared slots, and die. Every few rounds the shared slots are emptied by the main thread.
#include <atomic>

#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

constexpr uint32_t kShared = 1000;
constexpr size_t kLargest = size_t{1} << 21;

// Mostly tiny, with every doubling half as likely; one in a thousand is large.
size_t skewed(Rng& rng) {
  if (rng.below(1000) == 0) return rng.between(65536, kLargest / 2);
  size_t top = 32;
  while (top < 8192 && rng.below(2)) top *= 2;
  return rng.between(kSmallest, top);
}

struct alignas(kApart) Cell {
  std::atomic<void*> block;
};

struct Round {
  uint32_t blocks;
  unsigned number;
  Tally* tallies;
  void** tables;
  Cell* shared;

  static void release(void* p, Tally& tally) {
    if (p && !retire(p, kLargest)) ++tally.broken;
    free(p);
  }
  static void* obtain(Rng& rng, Tally& tally) {
    const size_t size = skewed(rng);
    void* p = malloc(size);
    ++tally.ops;
    if (p)
      stamp(p, size, tally.ops);
    else
      ++tally.failed;
    return p;
  }
  void operator()(unsigned index) const {
    Rng rng((uint64_t{number} << 20) + index);
    void** kept = tables + size_t{index} * blocks;
    Tally tally;
    uint32_t count = 0;
    for (uint32_t i = 0; i < 2 * blocks; ++i) {
      void* p = obtain(rng, tally);
      if (rng.below(100) < 10) {
        // acq_rel, pairs with the other threads' exchanges: hands over the block with its contents.
        release(shared[rng.below(kShared)].block.exchange(p, std::memory_order_acq_rel), tally);
      } else if (rng.below(100) < 50 && count < blocks) {
        kept[count++] = p;
      } else {
        release(p, tally);
      }
      if (count && rng.below(4) == 0) {
        const uint32_t victim = rng.below(count);
        release(kept[victim], tally);
        kept[victim] = kept[--count];
      }
    }
    while (count) release(kept[--count], tally);
    tallies[index].add(tally);
  }
};

void empty(Cell* shared, Tally& tally) {
  for (uint32_t i = 0; i < kShared; ++i) Round::release(shared[i].block.exchange(nullptr, std::memory_order_acq_rel), tally);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "T rounds blocks (kept at most, per thread)");
  const auto threads = static_cast<unsigned>(args.number("T (threads)", 1, 4096));
  const auto rounds = static_cast<unsigned>(args.number("rounds", 1, 1000000));
  const auto blocks = static_cast<uint32_t>(args.number("blocks", 1, 100000000));
  args.end();
  auto* tallies = map_array<Tally>(threads);
  auto* shared = map_array<Cell>(kShared);
  void** tables = map_array<void*>(size_t{threads} * blocks);
  Tally last;
  Meter meter;
  meter.start();
  for (unsigned r = 0; r < rounds; ++r) {
    Round round{blocks, r, tallies, tables, shared};
    run_team(threads, round);
    if (r % 4 == 3) empty(shared, last);
  }
  meter.stop();
  empty(shared, last);
  last.add(sum(tallies, threads));
  return meter.report(last);
}
