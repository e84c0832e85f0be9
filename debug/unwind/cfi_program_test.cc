#include "debug/unwind/cfi_program.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "machine.h"

namespace masu::debug {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr uintptr_t kBegin = 0x1000;
constexpr uint8_t kSp = machine::kSpRegister;
constexpr uint8_t kFp = machine::kFpRegister;

// def_cfa sp+8; return address at cfa-8: what every x86-64 CIE starts with.
const Bytes kCommon{0x0c, kSp, 8, 0x80 | 16, 1};

Rule run(const Bytes& program, uintptr_t pc, const Bytes& common = kCommon) {
  Fde fde;
  fde.begin = kBegin;
  fde.end = kBegin + 0x1000;
  fde.data_align = -8;
  fde.ra_register = 16;
  fde.common = ByteReader(common.data(), common.data() + common.size());
  fde.program = ByteReader(program.data(), program.data() + program.size());
  return run_cfi(fde, pc);
}

TEST(CfiProgram, FollowsPushesUpToThePc) {
  const Bytes push_rbp{0x41, 0x0e, 16, 0x80 | kFp, 2, 0x43, 0x0d, kFp};
  const Rule entry = run(push_rbp, kBegin);
  EXPECT_EQ(entry.kind(), RuleKind::kCfi);
  EXPECT_EQ(entry.cfa_offset(), 8);
  EXPECT_EQ(entry.ra_offset(), -8);
  EXPECT_EQ(entry.fp_rule(), FpRule::kUnchanged);

  const Rule pushed = run(push_rbp, kBegin + 1);
  EXPECT_EQ(pushed.cfa_offset(), 16);
  EXPECT_FALSE(pushed.cfa_from_fp());
  EXPECT_EQ(pushed.fp_rule(), FpRule::kAtCfa);
  EXPECT_EQ(pushed.fp_offset(), -16);

  const Rule set_up = run(push_rbp, kBegin + 4);
  EXPECT_TRUE(set_up.cfa_from_fp());
  EXPECT_EQ(set_up.cfa_offset(), 16);
}

TEST(CfiProgram, RestoresRememberedRows) {
  const Bytes early_return{0x41, 0x0e, 32, 0x0a, 0x41, 0x0e, 8, 0x41, 0x0b};
  EXPECT_EQ(run(early_return, kBegin + 1).cfa_offset(), 32);
  EXPECT_EQ(run(early_return, kBegin + 2).cfa_offset(), 8);
  EXPECT_EQ(run(early_return, kBegin + 3).cfa_offset(), 32);
  const Bytes restore_fp{0x80 | kFp, 2, 0x41, 0xc0 | kFp};
  EXPECT_EQ(run(restore_fp, kBegin).fp_rule(), FpRule::kAtCfa);
  EXPECT_EQ(run(restore_fp, kBegin + 1).fp_rule(), FpRule::kUnchanged);
}

TEST(CfiProgram, ResolvesThePltExpressionByItsPc) {
  // breg7+8; breg16+0; lit15; and; lit11; ge; lit3; shl; plus
  const Bytes plt{0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22};
  EXPECT_EQ(run(plt, kBegin + 0x26).cfa_offset(), 8);
  EXPECT_EQ(run(plt, kBegin + 0x2b).cfa_offset(), 16);
  EXPECT_EQ(run(plt, kBegin + 0x2b).kind(), RuleKind::kCfi);
}

TEST(CfiProgram, KnowsRealignedStacks) {
  // CFA = *(rbp - 8), rbp saved where rbp points: what gcc emits after "and $-32, %rsp".
  const Bytes realigned{0x10, kFp, 2, 0x76, 0, 0x0f, 3, 0x76, 0x78, 0x06};
  const Rule rule = run(realigned, kBegin);
  EXPECT_EQ(rule.kind(), RuleKind::kCfi);
  EXPECT_TRUE(rule.cfa_from_fp() && rule.cfa_deref());
  EXPECT_EQ(rule.cfa_offset(), -8);
  EXPECT_EQ(rule.fp_rule(), FpRule::kAtFp);
  EXPECT_EQ(rule.fp_offset(), 0);
  // Hand-written assembler: CFA = *(rsp + 40) + 8.
  const Bytes saved_sp{0x0f, 5, 0x77, 40, 0x06, 0x23, 8};
  EXPECT_EQ(run(saved_sp, kBegin).cfa_post(), 8);
}

TEST(CfiProgram, KnowsSignalFrames) {
  // CFA = *(rsp + 160); rbp at rsp + 120; rip at rsp + 168, as glibc's __restore_rt says.
  const Bytes restore{0x0f, 4, 0x77, 0xa0, 1, 0x06, 0x10, kFp, 3, 0x77, 0xf8, 0, 0x10, 16, 3, 0x77, 0xa8, 1};
  const Rule rule = run(restore, kBegin, {});
  EXPECT_EQ(rule.kind(), RuleKind::kCfi);
  EXPECT_TRUE(rule.cfa_deref() && rule.ra_from_sp());
  EXPECT_EQ(rule.cfa_offset(), 160);
  EXPECT_EQ(rule.ra_offset(), 168);
  EXPECT_EQ(rule.fp_rule(), FpRule::kAtSp);
  EXPECT_EQ(rule.fp_offset(), 120);
}

TEST(CfiProgram, EndsWhereItCannotFollow) {
  EXPECT_EQ(run({0x07, 16}, kBegin).kind(), RuleKind::kEnd);     // no return address: outermost
  EXPECT_EQ(run({0x0c, 10, 0}, kBegin).kind(), RuleKind::kEnd);  // CFA in r10
  EXPECT_EQ(run({0x0b}, kBegin).kind(), RuleKind::kEnd);         // nothing remembered
  EXPECT_EQ(run({0x0f, 200}, kBegin).kind(), RuleKind::kEnd);    // expression past the end
  EXPECT_EQ(run({0x3f, 1}, kBegin).kind(), RuleKind::kEnd);      // unknown instruction
  EXPECT_EQ(run({0x0e, 0xff, 0xff, 0xff, 0x7f}, kBegin).kind(), RuleKind::kEnd);  // offset out of range
}

TEST(CfiProgram, SurvivesRandomPrograms) {
  std::mt19937 random(1);
  unsigned usable = 0;
  for (int round = 0; round < 200000; ++round) {
    Bytes program(random() % 24);
    for (uint8_t& byte : program) byte = static_cast<uint8_t>(random() % 4 != 0 ? random() % 0x48 : random());
    usable += run(program, kBegin + random() % 64).kind() == RuleKind::kCfi;
  }
  EXPECT_GT(usable, 0u);
}

}  // namespace
}  // namespace masu::debug
