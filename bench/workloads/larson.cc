// Larson-style server: each thread replaces random blocks of its table, then dies and leaves the table to a successor,
// so that blocks outlive the threads that allocated them. Measures replacement, bleeding and thread creation.
#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

struct Generation {
  uint64_t replacements;
  uint32_t blocks;
  size_t smallest, largest;
  unsigned number;
  Tally* tallies;
  void** tables;

  void operator()(unsigned index) const {
    Rng rng((uint64_t{number} << 20) + index);
    void** table = tables + size_t{index} * blocks;
    Tally tally;
    for (uint64_t i = 0; i < replacements; ++i) {
      void*& slot = table[rng.below(blocks)];
      if (slot && !retire(slot, largest)) ++tally.broken;
      free(slot);
      const size_t size = rng.between(smallest, largest);
      slot = malloc(size);
      if (!slot)
        ++tally.failed;
      else
        stamp(slot, size, i);
      ++tally.ops;
    }
    tallies[index].add(tally);
  }
};

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "T generations replacements blocks min max");
  const auto threads = static_cast<unsigned>(args.number("T (threads)", 1, 4096));
  const auto generations = static_cast<unsigned>(args.number("generations", 1, 1000000));
  const uint64_t replacements = args.number("replacements (per thread and generation)", 1, 1000000000000);
  const auto blocks = static_cast<uint32_t>(args.number("blocks (per thread)", 1, 100000000));
  const size_t smallest = args.number("min (bytes)", kSmallest, 1u << 30);
  const size_t largest = args.number("max (bytes)", smallest, 1u << 30);
  args.end();
  auto* tallies = map_array<Tally>(threads);
  void** tables = map_array<void*>(size_t{threads} * blocks);
  Meter meter;
  meter.start();
  for (unsigned g = 0; g < generations; ++g) {
    Generation generation{replacements, blocks, smallest, largest, g, tallies, tables};
    run_team(threads, generation);
  }
  meter.stop();
  Tally all = sum(tallies, threads);
  for (size_t i = 0; i < size_t{threads} * blocks; ++i) {
    if (tables[i] && !retire(tables[i], largest)) ++all.broken;
    free(tables[i]);
  }
  return meter.report(all);
}
