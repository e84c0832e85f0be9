// Programs that free wrongly and write where they must not, on the debug heap: found, and nothing else happened.
#include "fuzz/debug_lanes.h"
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return masu::fuzz::test_one(data, size, masu::fuzz::run_misuse_debug, "debug, misused");
}
