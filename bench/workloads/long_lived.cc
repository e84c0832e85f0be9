// Fragmentation by long-lived blocks. Each cycle fills memory with blocks of one band of sizes, frees all but every n-th at
// random, and moves on to the next band; then everything idles with a trickle of activity, and the kept blocks are freed at
// last. Prints resident memory over time; rss_idle_kib and rss_end_kib are what the holes and the emptied heap still cost.
#include <utility>

#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

struct Band {
  size_t smallest, largest;
};
constexpr Band kBands[] = {{16, 128}, {200, 1000}, {1024, 6000}, {48, 300}, {8192, 40000}, {16, 64}};

class Store {
 public:
  Store(uint64_t bytes, uint32_t keep_one_in) : bytes_(bytes), keep_one_in_(keep_one_in) {
    blocks_ = map_array<void*>(bytes / kSmallest + 1);
    kept_ = map_array<void*>(bytes / kSmallest + 1);
  }
  void cycle(const Band& band, Tally& tally) {
    uint64_t count = 0;
    for (uint64_t filled = 0; filled < bytes_;) {
      const size_t size = rng_.between(band.smallest, band.largest);
      filled += size;
      if (void* p = obtain(size, tally)) blocks_[count++] = p;
    }
    for (uint64_t i = count; i > 1; --i) std::swap(blocks_[i - 1], blocks_[rng_.below(static_cast<uint32_t>(i))]);
    for (uint64_t i = 0; i < count; ++i) {
      if (i % keep_one_in_ == 0)
        kept_[kept_count_++] = blocks_[i];
      else
        release(blocks_[i], tally);
    }
  }
  void trickle(Tally& tally) {  // what an idle server still does now and then
    for (int i = 0; i < 100; ++i)
      if (void* p = obtain(rng_.between(kSmallest, 2000), tally)) release(p, tally);
  }
  void end(Tally& tally) {
    while (kept_count_) release(kept_[--kept_count_], tally);
  }

 private:
  void* obtain(size_t size, Tally& tally) {
    void* p = malloc(size);
    ++tally.ops;
    if (p) {
      for (size_t at = 4096; at < size; at += 4096) static_cast<char*>(p)[at] = 1;
      stamp(p, size, tally.ops);
    } else {
      ++tally.failed;
    }
    return p;
  }
  static void release(void* p, Tally& tally) {
    if (!retire(p, 40000)) ++tally.broken;
    free(p);
  }
  Rng rng_{7};
  uint64_t bytes_;
  uint32_t keep_one_in_;
  void** blocks_;
  void** kept_;
  uint64_t kept_count_ = 0;
};

long idle(Store& store, Meter& meter, Tally& tally, unsigned ms, const char* phase) {
  for (unsigned at = 0; at < ms; at += 20) {
    sleep_ms(20);
    meter.start();
    store.trickle(tally);
    meter.stop();
    meter.sample(phase);
  }
  return rss_kib();
}

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "bytes keep_one_in idle_ms");
  const uint64_t bytes = args.number("bytes (per cycle)", 1 << 20, uint64_t{1} << 34);
  const auto keep = static_cast<uint32_t>(args.number("keep_one_in (blocks)", 1, 1000000));
  const auto idle_ms = static_cast<unsigned>(args.number("idle_ms", 0, 600000));
  args.end();
  Store store(bytes, keep);
  Tally tally;
  Meter meter;
  meter.sample("start");
  for (const Band& band : kBands) {
    meter.start();
    store.cycle(band, tally);
    meter.stop();
    meter.sample("cycle");
  }
  const long held = idle(store, meter, tally, idle_ms, "idle");
  meter.start();
  store.end(tally);
  meter.stop();
  const long end = idle(store, meter, tally, idle_ms, "emptied");
  std::printf("rss_idle_kib=%ld\nrss_end_kib=%ld\n", held, end);
  return meter.report(tally);
}
