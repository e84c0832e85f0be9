// Large blocks (malloc-large-style): a few live blocks of megabytes, replaced at random. touch: 0 first and last word only,
// 1 one word in every 4 KiB, which is what filling a buffer costs in page faults.
#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

struct Worker {
  uint64_t replacements;
  uint32_t live;
  size_t smallest, largest;
  bool touch;
  Tally* tallies;
  void** tables;

  void operator()(unsigned index) const {
    Rng rng(index);
    void** table = tables + size_t{index} * live;
    Tally tally;
    for (uint64_t i = 0; i < replacements; ++i) {
      void*& slot = table[rng.below(live)];
      if (slot && !retire(slot, largest)) ++tally.broken;
      free(slot);
      const size_t size = rng.between(smallest, largest);
      slot = malloc(size);
      ++tally.ops;
      if (!slot) {
        ++tally.failed;
        continue;
      }
      auto* bytes = static_cast<volatile char*>(slot);
      for (size_t at = 4096; touch && at < size; at += 4096) bytes[at] = 1;
      stamp(slot, size, i);
    }
    for (uint32_t i = 0; i < live; ++i) {
      if (table[i] && !retire(table[i], largest)) ++tally.broken;
      free(table[i]);
    }
    tallies[index] = tally;
  }
};

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "T replacements live min max [touch]");
  const auto threads = static_cast<unsigned>(args.number("T (threads)", 1, 4096));
  const uint64_t replacements = args.number("replacements (per thread)", 1, 1000000000);
  const auto live = static_cast<uint32_t>(args.number("live (blocks per thread)", 1, 100000));
  const size_t smallest = args.number("min (bytes)", kSmallest, 1u << 30);
  const size_t largest = args.number("max (bytes)", smallest, 1u << 30);
  const bool touch = args.number_or("touch", 0, 1, 1) == 1;
  args.end();
  auto* tallies = map_array<Tally>(threads);
  Worker worker{replacements, live, smallest, largest, touch, tallies, map_array<void*>(size_t{threads} * live)};
  Meter meter;
  run_team(threads, worker, &meter);
  return meter.report(sum(tallies, threads));
}
