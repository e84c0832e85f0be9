// A thread pool that works in bursts and then idles: in each burst every worker allocates its share, frees half itself and
// hands half to its neighbour to free. Only bursts count as time; resident memory is sampled in the pauses, in which each worker
// still makes a few small allocations.
#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

struct Pool {
  unsigned threads, bursts, idle_ms;
  uint32_t blocks;
  size_t smallest, largest;
  void** tables;
  Tally* tallies;
  Meter* meter;
  pthread_barrier_t* step;

  void fill(unsigned index, Rng& rng, Tally& tally) const {
    void** table = tables + size_t{index} * blocks;
    for (uint32_t i = 0; i < blocks; ++i) {
      const size_t size = rng.between(smallest, largest);
      void* p = malloc(size);
      ++tally.ops;
      if (p)
        stamp(p, size, i);
      else
        ++tally.failed;
      table[i] = p;
    }
  }
  // parity 0: one's own even blocks; parity 1: the neighbour's odd ones.
  void drop(unsigned index, uint32_t parity, Tally& tally) const {
    void** table = tables + size_t{index} * blocks;
    for (uint32_t i = parity; i < blocks; i += 2) {
      if (table[i] && !retire(table[i], largest)) ++tally.broken;
      free(table[i]);
    }
  }
  void pause(unsigned index) const {
    for (unsigned at = 0; at < idle_ms; at += 10) {
      sleep_ms(10);
      for (size_t size = 16; size <= 1024; size *= 2) {
        void* volatile p = malloc(size);
        free(p);
      }
      if (index == 0) meter->sample("pause");
    }
  }
  void operator()(unsigned index) const {
    Rng rng(index);
    Tally tally;
    for (unsigned b = 0; b < bursts; ++b) {
      if (index == 0) meter->start();
      pthread_barrier_wait(step);
      fill(index, rng, tally);
      pthread_barrier_wait(step);
      drop(index, 0, tally);
      drop((index + 1) % threads, 1, tally);
      pthread_barrier_wait(step);
      if (index == 0) {
        meter->stop();
        meter->sample("burst");
      }
      pause(index);
    }
    tallies[index] = tally;
  }
};

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "T bursts idle_ms blocks min max");
  Pool pool{};
  pool.threads = static_cast<unsigned>(args.number("T (threads)", 1, 4096));
  pool.bursts = static_cast<unsigned>(args.number("bursts", 1, 100000));
  pool.idle_ms = static_cast<unsigned>(args.number("idle_ms", 0, 600000));
  pool.blocks = static_cast<uint32_t>(args.number("blocks (per thread and burst)", 2, 100000000));
  pool.smallest = args.number("min (bytes)", kSmallest, 1u << 30);
  pool.largest = args.number("max (bytes)", pool.smallest, 1u << 30);
  args.end();
  pool.tables = map_array<void*>(size_t{pool.threads} * pool.blocks);
  pool.tallies = map_array<Tally>(pool.threads);
  pthread_barrier_t step;
  pthread_barrier_init(&step, nullptr, pool.threads);
  pool.step = &step;
  Meter meter;
  pool.meter = &meter;
  run_team(pool.threads, pool);
  std::printf("rss_idle_kib=%ld\n", rss_kib());
  return meter.report(sum(pool.tallies, pool.threads));
}
