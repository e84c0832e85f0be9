// Random replacement in a working set with two size distributions: `app` follows what servers and compilers ask for
// (mostly small, a long thin tail), `uniform` spreads 16..4096 evenly. Each thread frees only what it allocated.
#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

struct Band {
  uint32_t upto;  // cumulative share in 1/1000
  size_t smallest, largest;
};
constexpr Band kApplication[] = {{380, 16, 48},      {700, 49, 128},     {860, 129, 512},
                                 {950, 513, 2048},   {985, 2049, 8192},  {997, 8193, 65536},
                                 {1000, 65537, 524288}};
constexpr Band kUniform[] = {{1000, 16, 4096}};

size_t pick(const Band* bands, Rng& rng) {
  const uint32_t share = rng.below(1000);
  while (share >= bands->upto) ++bands;
  return rng.between(bands->smallest, bands->largest);
}

struct Worker {
  const Band* bands;
  uint64_t iterations;
  uint32_t slots;
  bool touch;
  Tally* tallies;
  void** tables;

  void release(void* p, Tally& tally) const {
    if (p && touch && !retire(p, size_t{1} << 20)) ++tally.broken;
    free(p);
  }
  void operator()(unsigned index) const {
    Rng rng(index);
    void** table = tables + size_t{index} * slots;
    Tally tally;
    for (uint64_t i = 0; i < iterations; ++i) {
      void*& slot = table[rng.below(slots)];
      release(slot, tally);
      const size_t size = pick(bands, rng);
      slot = malloc(size);
      if (!slot)
        ++tally.failed;
      else if (touch)
        stamp(slot, size, i);
      ++tally.ops;
    }
    for (uint32_t i = 0; i < slots; ++i) release(table[i], tally);
    tallies[index] = tally;
  }
};

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "app|uniform T iters ws [touch]");
  const char* const kinds[] = {"app", "uniform"};
  const Band* bands = args.word("distribution", kinds, 2) == 0 ? kApplication : kUniform;
  const auto threads = static_cast<unsigned>(args.number("T (threads)", 1, 4096));
  const uint64_t iterations = args.number("iters (per thread)", 1, 1000000000000);
  const auto slots = static_cast<uint32_t>(args.number("ws (slots)", 1, 100000000));
  const bool touch = args.number_or("touch", 0, 1, 1) == 1;
  args.end();
  auto* tallies = map_array<Tally>(threads);
  Worker worker{bands, iterations, slots, touch, tallies, map_array<void*>(size_t{threads} * slots)};
  Meter meter;
  run_team(threads, worker, &meter);
  return meter.report(sum(tallies, threads));
}
