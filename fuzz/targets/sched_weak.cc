// As sched_model, over atomics that may return old values.
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return masu::fuzz::test_one(data, size, masu::fuzz::run_on<masu::fuzz::WeakLane>, "release, weak atomics");
}
