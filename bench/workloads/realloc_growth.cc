// Buffers that grow by realloc, as strings, vectors and readers do: each of a thread's buffers is extended by a half or
// by a step until it reaches its limit, then starts anew. The old contents must arrive at every move.
#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

struct Buffer {
  char* data;
  size_t size;
};

struct Worker {
  uint64_t growths;
  uint32_t buffers;
  size_t limit;
  Tally* tallies;
  Buffer* tables;

  static void mark(const Buffer& b) {  // the first and the last word name the size
    std::memcpy(b.data, &b.size, 8);
    std::memcpy(b.data + b.size - 8, &b.size, 8);
  }
  static bool arrived(const char* data, size_t size) {
    size_t first, last;
    std::memcpy(&first, data, 8);
    std::memcpy(&last, data + size - 8, 8);
    return first == size && last == size;
  }
  void operator()(unsigned index) const {
    Rng rng(index);
    Buffer* table = tables + size_t{index} * buffers;
    Tally tally;
    for (uint64_t i = 0; i < growths; ++i) {
      Buffer& b = table[rng.below(buffers)];
      if (b.size >= limit) {
        free(b.data);
        b = {nullptr, 0};
      }
      const size_t wish = b.size == 0 ? rng.between(kSmallest, 64) : rng.below(2) ? b.size + b.size / 2 : b.size + rng.between(16, 512);
      auto* data = static_cast<char*>(realloc(b.data, wish));
      ++tally.ops;
      if (!data) {
        ++tally.failed;
        continue;
      }
      if (b.size && !arrived(data, b.size)) ++tally.broken;
      b = {data, wish};
      mark(b);
    }
    for (uint32_t i = 0; i < buffers; ++i) free(table[i].data);
    tallies[index] = tally;
  }
};

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "T growths buffers limit");
  const auto threads = static_cast<unsigned>(args.number("T (threads)", 1, 4096));
  const uint64_t growths = args.number("growths (per thread)", 1, 1000000000000);
  const auto buffers = static_cast<uint32_t>(args.number("buffers (per thread)", 1, 10000000));
  const size_t limit = args.number("limit (bytes)", 64, 1u << 30);
  args.end();
  auto* tallies = map_array<Tally>(threads);
  Worker worker{growths, buffers, limit, tallies, map_array<Buffer>(size_t{threads} * buffers)};
  Meter meter;
  run_team(threads, worker, &meter);
  return meter.report(sum(tallies, threads));
}
