// The inbox alone, two or three threads; every byte of the input is a scheduling decision.
#include <cstdio>
#include <cstdlib>

#include "fuzz/strategy.h"
#include "fuzz/xfer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace masu::fuzz;
  if (size == 0) return 0;
  Bytes schedule(data + 1, size - 1);
  Transfer<InboxList<SchedSync>> transfer(1 + data[0] % 2);
  const auto result = transfer.run(schedule);
  if (result.verdict == Scheduler::Verdict::kDone) return 0;
  std::fprintf(stderr, "ERROR: MasuSanitizer: xfer: %s\n", result.reason);
  std::abort();
}
