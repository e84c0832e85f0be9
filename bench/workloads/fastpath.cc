// Google Benchmark micro-benchmarks of the fast paths. A pair's cost is within a nanosecond of an allocator that does nothing: trust
// instruction counts (pair.cc under callgrind) before tenths of nanoseconds.
#include <benchmark/benchmark.h>

#include <malloc.h>

#include <cstdlib>
#include <vector>

#include "harness.h"

namespace {

void pair(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    void* p = malloc(size);
    benchmark::DoNotOptimize(p);
    free(p);
  }
}
BENCHMARK(pair)->Arg(16)->Arg(64)->Arg(1024)->Arg(8192)->Arg(65536);

void pair_mixed(benchmark::State& state) {  // 16..1039 bytes: a class is never predicted
  bench::Rng rng(3);
  for (auto _ : state) {
    void* p = malloc(rng.between(16, 1039));
    benchmark::DoNotOptimize(p);
    free(p);
  }
}
BENCHMARK(pair_mixed);

void usable(benchmark::State& state) {
  void* p = malloc(64);
  for (auto _ : state) benchmark::DoNotOptimize(malloc_usable_size(p));
  free(p);
}
BENCHMARK(usable);

template <bool kLifo>
void batch(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0));
  void** blocks = bench::map_array<void*>(count);
  for (auto _ : state) {
    for (size_t i = 0; i < count; ++i) blocks[i] = malloc(64);
    benchmark::ClobberMemory();
    for (size_t i = 0; i < count; ++i) free(blocks[kLifo ? count - 1 - i : i]);
  }
  state.SetItemsProcessed(static_cast<int64_t>(count) * static_cast<int64_t>(state.iterations()));
}
BENCHMARK(batch<true>)->Name("lifo")->Arg(10)->Arg(100)->Arg(1000);
BENCHMARK(batch<false>)->Name("fifo")->Arg(10)->Arg(100)->Arg(1000);

}  // namespace

// The usual table, then the sum of the times per iteration as the `time=` that the gate reads (one benchmark a lane there).
class Reporter : public benchmark::ConsoleReporter {
 public:
  Reporter() : ConsoleReporter(OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      real_ += run.GetAdjustedRealTime() * 1e-9;
      cpu_ += run.GetAdjustedCPUTime() * 1e-9;
    }
    ConsoleReporter::ReportRuns(runs);
  }
  void print() const { std::printf("time=%.12f\nuser=%.12f\nsys=0\nfailed=0\nrss_kib=%ld\n", real_, cpu_, bench::peak_rss_kib()); }

 private:
  double real_ = 0, cpu_ = 0;
};

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  Reporter reporter;
  if (benchmark::RunSpecifiedBenchmarks(&reporter) == 0) return 2;
  reporter.print();
  return 0;
}
