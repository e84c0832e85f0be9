// The same calls on the release heap and the debug heap: equal answers.
#include "fuzz/debug_lanes.h"
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return masu::fuzz::test_one(data, size, masu::fuzz::run_release_vs_debug, "release and debug");
}
