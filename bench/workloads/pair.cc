// malloc and free of one size, n times, and nothing else: run under callgrind with two values of n, the difference of
// instructions over the difference of n is the price of a local pair (about ten of them are this loop and the PLT).
#include "arguments.h"
#include "harness.h"

int main(int argc, char** argv) {
  bench::Arguments args(argc, argv, "pairs size");
  const uint64_t pairs = args.number("pairs", 1, 1000000000000);
  const size_t size = args.number("size (bytes)", 1, 1u << 30);
  args.end();
  bench::Tally tally;
  tally.ops = pairs;
  bench::Meter meter;
  meter.start();
  for (uint64_t i = 0; i < pairs; ++i) {
    void* p = malloc(size);
    asm volatile("" : : "r"(p) : "memory");  // the compiler may otherwise drop the pair
    free(p);
  }
  meter.stop();
  return meter.report(tally);
}
