// The inbox, two or three threads, alone, by the weak model, or as a heap uses it; every byte is a decision.
#include "fuzz/session.h"

#include <cstdio>
#include <cstdlib>

#include "fuzz/xfer.h"

using namespace masu::fuzz;

template <class Sync>
static Scheduler::Result transfer(unsigned producers, Strategy& schedule) {
  return Transfer<InboxList<Sync>>(producers).run(schedule);
}

// Blocks of the first thread are freed by the others while it allocates.
static Scheduler::Result remote_frees(unsigned producers, Strategy& schedule) {
  Input in = decode(nullptr, 0);
  in.threads = static_cast<uint8_t>(producers + 1);
  auto add = [&in](unsigned thread, Kind kind, unsigned slot) {
    in.operations[in.count++] = {static_cast<uint8_t>(thread), kind, static_cast<uint8_t>(slot), 36, 0};
  };
  for (unsigned i = 0; i < 6; ++i) add(0, Kind::kMalloc, i);
  for (unsigned t = 1; t <= producers; ++t) {
    for (unsigned i = 0; i < 3; ++i) add(t, Kind::kFree, 3 * (t - 1) + i);
    add(t, Kind::kFlush, 0);
  }
  for (unsigned i = 0; i < 4; ++i) add(0, Kind::kMalloc, 8 + i);
  return Session<masu::Under<TightBounds, SchedSync, FaultOs>>(in).run(schedule);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Bytes schedule(data + 1, size - 1);
  const unsigned producers = 1 + data[0] % 2;
  const auto play = data[0] / 2 % 3 == 0 ? transfer<SchedSync> : data[0] / 2 % 3 == 1 ? transfer<WeakSync> : remote_frees;
  const auto result = play(producers, schedule);
  if (result.verdict == Scheduler::Verdict::kDone) return 0;
  std::fprintf(stderr, "ERROR: MasuSanitizer: xfer: %s\nSUMMARY: MasuSanitizer: xfer %s\n", result.reason, result.reason);
  std::abort();
}
