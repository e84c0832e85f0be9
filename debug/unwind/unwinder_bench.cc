// What a walk costs: at a depth, with all rules cached or none, or with the previous walk remembered. Divide
// by the depth for the cost of a frame. "distinct" walks through as many different functions as the depth,
// "recursive" through one. Instructions: valgrind --tool=callgrind --toggle-collect='*Unwinder::walk(*' with
// --benchmark_filter.
#include <benchmark/benchmark.h>

#include "debug/unwind/unwinder.h"

namespace masu::debug {
namespace {

Unwinder g_unwinder;
StackBounds g_bounds;
WalkMemo g_memo;

template <class Body>
[[gnu::noinline]] void recurse(unsigned depth, const Body& body) {
  if (depth <= 1) {
    body();
  } else {
    recurse(depth - 1, body);
  }
  asm volatile("" : : : "memory");
}

// Function `Level` calls function `Level - 1`: each has its own return address and frame.
template <unsigned Level, class Body>
[[gnu::noinline]] void descend(const Body& body) {
  char room[16 + Level % 8 * 24];
  asm volatile("" : : "r"(room) : "memory");
  if constexpr (Level <= 1) {
    body();
  } else {
    descend<Level - 1>(body);
  }
  asm volatile("" : : "r"(room) : "memory");
}

enum class Rules { kCached, kCold, kSameStack };

void walk_many(benchmark::State& state, size_t depth, Rules rules) {
  uintptr_t frames[256];
  size_t count = 0;
  for (auto _ : state) {
    if (rules == Rules::kCold) g_unwinder.forget();
    count = rules == Rules::kSameStack ? g_unwinder.walk(caller_frame(), g_bounds, g_memo, frames, depth)
                                       : g_unwinder.walk(caller_frame(), g_bounds, frames, depth);
    benchmark::DoNotOptimize(frames);
  }
  if (count != depth) state.SkipWithError("the stack is shallower than the depth");
  state.counters["frame"] =
      benchmark::Counter(static_cast<double>(depth),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

template <Rules kRules>
void recursive(benchmark::State& state) {
  const auto depth = static_cast<size_t>(state.range(0));
  recurse(static_cast<unsigned>(depth), [&] { walk_many(state, depth, kRules); });
}

template <unsigned kDepth, Rules kRules>
void distinct(benchmark::State& state) {
  descend<kDepth>([&] { walk_many(state, kDepth, kRules); });
}

BENCHMARK(recursive<Rules::kCached>)->Arg(16)->Arg(32);
BENCHMARK(recursive<Rules::kCold>)->Arg(16)->Arg(32);
BENCHMARK(distinct<16, Rules::kCached>);
BENCHMARK(distinct<32, Rules::kCached>);
BENCHMARK(distinct<128, Rules::kCached>);
BENCHMARK(distinct<16, Rules::kSameStack>);
BENCHMARK(distinct<32, Rules::kSameStack>);
BENCHMARK(distinct<16, Rules::kCold>);
BENCHMARK(distinct<32, Rules::kCold>);

}  // namespace
}  // namespace masu::debug

BENCHMARK_MAIN();
