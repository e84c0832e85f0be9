#include "os/report.h"

#include <gtest/gtest.h>

namespace masu {
namespace {

TEST(ReportDeathTest, OneLineSaysWhatWhereAndWhatNext) {
  Evidence e;
  e.address = 0x1010;
  e.block = 0x1000;
  e.block_size = 96;
  e.where = "free";
  EXPECT_DEATH(report_fault(Fault::kInteriorFree, e),
               "^masu: free of an interior pointer: 0x1010 in free\\(\\), 16 bytes into a block of 96 bytes at 0x1000; "
               "pass the address that malloc returned; to find it run: masu run --debug\n$");
  e.address = e.block;
  EXPECT_DEATH(report_fault(Fault::kDoubleFree, e), "^masu: double free: 0x1000 in free\\(\\), a block of 96 bytes at 0x1000; ");
}

TEST(ReportDeathTest, OwnFaultsAskForAReport) {
  Evidence e;
  e.detail = "a broken invariant";
  EXPECT_DEATH(report_fault(Fault::kInternal, e), "^masu: allocator internal fault: 0x0: a broken invariant; please report this line\n$");
}

TEST(Report, EveryFaultHasWords) {
  for (const FaultText& text : kFaultText) EXPECT_NE(text.kind[0], 0);
  for (size_t i = 1; i < static_cast<size_t>(Fault::kCount); ++i) EXPECT_NE(kFaultText[i].next[0], 0) << i;
  for (Fault f : {Fault::kWildFree, Fault::kForeignFree, Fault::kInteriorFree, Fault::kDoubleFree, Fault::kUnmappedFree}) EXPECT_TRUE(can_ignore(f));
  EXPECT_FALSE(can_ignore(Fault::kNone));
  EXPECT_FALSE(can_ignore(Fault::kCorruptLink));
  EXPECT_FALSE(can_ignore(Fault::kInternal));
}

TEST(Report, OutOfMemoryIsSaidOnce) {
  testing::internal::CaptureStderr();
  report_out_of_memory(12345);
  report_out_of_memory(999);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "masu: out of memory: 12345 bytes are not to be had; malloc returns null (said once)\n");
}

}  // namespace
}  // namespace masu
