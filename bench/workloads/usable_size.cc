// Asks malloc_usable_size for every value at birth and at death, as servers that account for their memory do, and uses
// every byte it was promised.
#include <malloc.h>

#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

struct Worker {
  uint64_t iterations;
  uint32_t slots;
  size_t smallest, largest;
  Tally* tallies;
  void** tables;

  void operator()(unsigned index) const {
    Rng rng(index);
    void** table = tables + size_t{index} * slots;
    Tally tally;
    uint64_t accounted = 0;
    for (uint64_t i = 0; i < iterations; ++i) {
      void*& slot = table[rng.below(slots)];
      if (slot) {
        const size_t usable = malloc_usable_size(slot);
        if (stamped_size(slot) != usable || !retire(slot, usable)) ++tally.broken;
        accounted -= usable;
        free(slot);
      }
      const size_t size = rng.between(smallest, largest);
      slot = malloc(size);
      ++tally.ops;
      if (!slot) {
        ++tally.failed;
        continue;
      }
      const size_t usable = malloc_usable_size(slot);
      if (usable < size) ++tally.broken;
      stamp(slot, usable, i);
      accounted += usable;
    }
    for (uint32_t i = 0; i < slots; ++i) {
      if (!table[i]) continue;
      accounted -= malloc_usable_size(table[i]);
      free(table[i]);
    }
    if (accounted != 0) ++tally.broken;
    tallies[index] = tally;
  }
};

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "T iters ws min max");
  const auto threads = static_cast<unsigned>(args.number("T (threads)", 1, 4096));
  const uint64_t iterations = args.number("iters (per thread)", 1, 1000000000000);
  const auto slots = static_cast<uint32_t>(args.number("ws (slots)", 1, 100000000));
  const size_t smallest = args.number("min (bytes)", kSmallest, 1u << 30);
  const size_t largest = args.number("max (bytes)", smallest, 1u << 30);
  args.end();
  auto* tallies = map_array<Tally>(threads);
  Worker worker{iterations, slots, smallest, largest, tallies, map_array<void*>(size_t{threads} * slots)};
  Meter meter;
  run_team(threads, worker, &meter);
  return meter.report(sum(tallies, threads));
}
