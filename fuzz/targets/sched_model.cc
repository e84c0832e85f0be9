// Operations of up to four scheduled threads against the model. Built with TSan it is sched_tsan.
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return masu::fuzz::test_one(data, size, masu::fuzz::run_on<masu::fuzz::ScheduledLane>, "release, scheduled");
}
