// Operations in sequence, in the seats of up to four threads, against the model.
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return masu::fuzz::test_one<masu::fuzz::SequentialLane>(data, size, "release, in sequence");
}
