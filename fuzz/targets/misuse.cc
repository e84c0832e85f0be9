// Programs that free twice, inside blocks and wildly: found, or nothing happened.
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return masu::fuzz::test_one(data, size, masu::fuzz::run_on<masu::fuzz::MisuseLane>, "release, misused");
}
