// False sharing, induced two ways. `thrash`: every thread allocates, writes and frees small blocks of its own; an allocator
// that hands one line to two threads is slow. `scratch`: the threads start by freeing blocks that the main thread
// allocated side by side; an allocator that reuses them at once passes the shared line on.
#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

struct Worker {
  uint64_t rounds;
  uint32_t writes;
  size_t size;
  void** gifts;
  Tally* tallies;

  void operator()(unsigned index) const {
    Tally tally;
    if (gifts[index] && !retire(gifts[index], size)) ++tally.broken;
    free(gifts[index]);
    for (uint64_t i = 0; i < rounds; ++i) {
      auto* block = static_cast<volatile unsigned char*>(malloc(size));
      ++tally.ops;
      if (!block) {
        ++tally.failed;
        continue;
      }
      const auto mark = static_cast<unsigned char>(index + i);
      for (size_t at = 0; at < size; ++at) block[at] = mark;
      for (uint32_t w = 0; w < writes; ++w)
        for (size_t at = 0; at < size; at += 8) block[at] = static_cast<unsigned char>(block[at] + 1);
      const auto expected = static_cast<unsigned char>(mark + writes);
      for (size_t at = 0; at < size; at += 8)
        if (block[at] != expected) ++tally.broken;
      free(const_cast<unsigned char*>(block));
    }
    tallies[index] = tally;
  }
};

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "scratch|thrash T rounds writes size");
  const char* const kinds[] = {"scratch", "thrash"};
  const bool scratch = args.word("kind", kinds, 2) == 0;
  const auto threads = static_cast<unsigned>(args.number("T (threads)", 1, 4096));
  const uint64_t rounds = args.number("rounds (per thread)", 1, 1000000000000);
  const auto writes = static_cast<uint32_t>(args.number("writes (per block)", 0, 100000000));
  const size_t size = args.number("size (bytes)", kSmallest, 65536);
  args.end();
  void** gifts = map_array<void*>(threads);
  for (unsigned i = 0; scratch && i < threads; ++i) {
    gifts[i] = malloc(size);
    if (gifts[i]) stamp(gifts[i], size, i);
  }
  auto* tallies = map_array<Tally>(threads);
  Worker worker{rounds, writes, size, gifts, tallies};
  Meter meter;
  run_team(threads, worker, &meter);
  return meter.report(sum(tallies, threads));
}
