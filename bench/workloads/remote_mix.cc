// The remote mix: each thread allocates into and frees out of a working set at random; R percent of the frees go to the
// next thread through a single-producer ring and are freed there. A full ring falls back to a local free.
#include <atomic>

#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

struct Mix {
  unsigned threads;
  uint64_t iterations;
  uint32_t slots;
  size_t smallest, largest;
  uint32_t remote_percent, ring;
  bool touch, live, together;
};

// From one thread to the next: one producer, one consumer. Positions run free, places wrap at the capacity.
class alignas(kApart) Ring {
 public:
  void open(uint32_t capacity) {
    capacity_ = capacity;
    items_ = map_array<void*>(capacity);
  }
  bool push(void* p) {
    if (write_ - read_seen_ >= capacity_) {
      read_seen_ = read_.load(std::memory_order_acquire);  // acquire, pairs with pop: the slot has been read
      if (write_ - read_seen_ >= capacity_) return false;
    }
    items_[write_place_] = p;
    write_place_ = write_place_ + 1 == capacity_ ? 0 : write_place_ + 1;
    written_.store(++write_, std::memory_order_release);  // release, pairs with pop: publishes slot and block
    return true;
  }
  void* pop() {
    if (next_ == written_seen_) {
      written_seen_ = written_.load(std::memory_order_acquire);  // acquire, pairs with push
      if (next_ == written_seen_) return nullptr;
    }
    void* p = items_[next_place_];
    next_place_ = next_place_ + 1 == capacity_ ? 0 : next_place_ + 1;
    read_.store(++next_, std::memory_order_release);  // release, pairs with push: the slot may be reused
    return p;
  }

 private:
  alignas(kApart) uint64_t write_ = 0;
  uint64_t read_seen_ = 0;
  uint32_t write_place_ = 0;
  std::atomic<uint64_t> written_{0};
  alignas(kApart) uint64_t next_ = 0;
  uint64_t written_seen_ = 0;
  uint32_t next_place_ = 0;
  std::atomic<uint64_t> read_{0};
  alignas(kApart) void** items_ = nullptr;
  uint32_t capacity_ = 0;
};

struct alignas(kApart) Live {  // requested bytes now live, over all threads
  std::atomic<int64_t> now{0};
  std::atomic<int64_t> peak{0};
  void add(int64_t bytes) {
    const int64_t n = now.fetch_add(bytes, std::memory_order_relaxed) + bytes;  // relaxed: a figure, orders nothing
    int64_t seen = peak.load(std::memory_order_relaxed);
    while (n > seen && !peak.compare_exchange_weak(seen, n, std::memory_order_relaxed)) {
    }
  }
};

struct Worker {
  const Mix& mix;
  Ring* rings;
  Tally* tallies;
  void** tables;
  Live& live;

  void release(void* p, Tally& tally) const {
    if (mix.touch) {
      if (mix.live) live.add(-static_cast<int64_t>(stamped_size(p)));
      if (!retire(p, mix.largest)) ++tally.broken;
    }
    free(p);
    ++tally.ops;
  }

  void drop(void* p, Rng& rng, unsigned index, Tally& tally) const {
    if (mix.threads > 1 && rng.below(100) < mix.remote_percent) {
      if (rings[index].push(p)) {
        ++tally.remote;
        return;
      }
      ++tally.fallback;
    } else {
      ++tally.local;
    }
    release(p, tally);
  }

  void operator()(unsigned index) const {
    Rng rng(index);
    void** table = tables + size_t{index} * mix.slots;
    Ring& inbox = rings[(index + mix.threads - 1) % mix.threads];
    Tally tally;
    for (uint64_t i = 0; i < mix.iterations; ++i) {
      while (void* p = inbox.pop()) release(p, tally);
      void*& slot = table[rng.below(mix.slots)];
      if (slot) {
        drop(slot, rng, index, tally);
        slot = nullptr;
        continue;
      }
      const size_t size = rng.between(mix.smallest, mix.largest);
      slot = malloc(size);
      ++tally.ops;
      if (!slot) {
        ++tally.failed;
      } else if (mix.touch) {
        stamp(slot, size, i);
        if (mix.live) live.add(static_cast<int64_t>(size));
      }
    }
    while (void* p = inbox.pop()) release(p, tally);
    tallies[index] = tally;
  }
};

Mix read_mix(int argc, char** argv) {
  Arguments args(argc, argv, "T iters ws min max R ring [touch] [--live] [--together]");
  Mix mix{};
  mix.threads = static_cast<unsigned>(args.number("T (threads)", 1, 4096));
  mix.iterations = args.number("iters (per thread)", 1, 1000000000000);
  mix.slots = static_cast<uint32_t>(args.number("ws (slots)", 1, 100000000));
  mix.smallest = args.number("min (bytes)", kSmallest, 1u << 30);
  mix.largest = args.number("max (bytes)", mix.smallest, 1u << 30);
  mix.remote_percent = static_cast<uint32_t>(args.number("R (percent)", 0, 100));
  mix.ring = static_cast<uint32_t>(args.number_or("ring (slots)", 0, 1u << 30, 65536));
  mix.touch = args.number_or("touch", 0, 1, 0) == 1;
  mix.live = args.flag("--live");
  mix.together = args.flag("--together");
  args.end();
  if (mix.ring == 0 && mix.remote_percent > 0) die("remote_mix: ring '0' is not allowed with R > 0; allowed: 1 to 1073741824");
  mix.touch |= mix.live;  // the stamp holds the size that --live counts
  return mix;
}

}  // namespace

int main(int argc, char** argv) {
  const Mix mix = read_mix(argc, argv);
  auto* rings = map_array<Ring>(mix.threads);
  for (unsigned i = 0; i < mix.threads; ++i) rings[i].open(mix.ring);
  auto* tallies = map_array<Tally>(mix.threads);
  void** tables = map_array<void*>(size_t{mix.threads} * mix.slots);
  Live& live = *map_array<Live>(1);
  Worker worker{mix, rings, tallies, tables, live};
  Meter meter;
  run_team(mix.threads, worker, &meter, mix.together);
  Tally all = sum(tallies, mix.threads), rest;
  for (unsigned i = 0; i < mix.threads; ++i)
    while (void* p = rings[i].pop()) worker.release(p, rest);
  for (size_t i = 0; i < size_t{mix.threads} * mix.slots; ++i)
    if (tables[i]) worker.release(tables[i], rest);
  all.broken += rest.broken;
  const double frees = static_cast<double>(all.local + all.remote + all.fallback);
  std::printf("remote_percent=%.2f\nfallbacks=%llu\n", frees > 0 ? 100.0 * static_cast<double>(all.remote) / frees : 0.0,
              static_cast<unsigned long long>(all.fallback));
  if (mix.live) std::printf("peak_live_bytes=%lld\n", static_cast<long long>(live.peak.load(std::memory_order_relaxed)));
  return meter.report(all);
}
