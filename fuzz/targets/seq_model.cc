// Operations in sequence, in the seats of up to four threads, against the model.
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return masu::fuzz::test_one(data, size, masu::fuzz::run_on<masu::fuzz::SequentialLane>, "release, in sequence");
}
