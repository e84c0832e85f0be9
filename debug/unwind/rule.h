// How to step from one frame to its caller, packed into one word so that a cache entry is two words.
// Pure data: filled by the CFI interpreter, read by the walker.
//   cfa  = (cfa_from_fp ? fp : sp) + cfa_offset, then, if cfa_deref, cfa = *cfa + 8 * cfa_post
//   pc'  = *((ra_from_sp ? sp : cfa) + ra_offset),  sp' = cfa
//   fp'  = fp, or the word at fp_offset from cfa, fp or sp
#pragma once
#include <bit>
#include <cstdint>

namespace masu::debug {

enum class RuleKind : uint8_t {
  kNone,          // the empty word
  kCfi,           // told by call-frame information
  kFramePointer,  // no information about this pc: assume a frame pointer
  kEnd,           // outermost frame, or a rule that the walker cannot express
};

enum class FpRule : uint8_t { kUnchanged, kAtCfa, kAtFp, kAtSp };

struct Rule {
  int64_t cfa_offset : 24;
  int64_t fp_offset : 20;
  int64_t ra_offset : 10;
  uint64_t cfa_post : 2;
  uint64_t fp_rule : 2;
  uint64_t kind_bits : 2;
  uint64_t cfa_from_fp : 1;
  uint64_t cfa_deref : 1;
  uint64_t ra_from_sp : 1;
  uint64_t signal : 1;  // the caller was interrupted: its pc is exact, its stack may be another one

  RuleKind kind() const { return static_cast<RuleKind>(kind_bits); }
  uint64_t word() const { return std::bit_cast<uint64_t>(*this); }
  static Rule from_word(uint64_t word) { return std::bit_cast<Rule>(word); }

  static Rule of(RuleKind kind) {
    Rule rule = from_word(0);
    rule.kind_bits = static_cast<uint64_t>(kind) & 3;
    return rule;
  }
};
static_assert(sizeof(Rule) == sizeof(uint64_t));

}  // namespace masu::debug
