// How to step from one frame to its caller, packed into one word so that a cache entry is two words.
// Pure data: filled by the CFI interpreter, read by the walker.
//   cfa  = (cfa_from_fp ? fp : sp) + cfa_offset, then, if cfa_deref, cfa = *cfa + cfa_post
//   pc'  = *((ra_from_sp ? sp : cfa) + ra_offset),  sp' = cfa
//   fp'  = fp, or the word at fp_offset from cfa, fp or sp
// Nearly all rules are plain: no dereference, the caller called, the return address just below the CFA.
#pragma once
#include <cstdint>

namespace masu::debug {

enum class RuleKind : uint8_t {
  kNone,          // the empty word
  kCfi,           // told by call-frame information
  kFramePointer,  // no information about this pc: assume a frame pointer
  kEnd,           // outermost frame, or a rule that the walker cannot express
};

enum class FpRule : uint8_t { kUnchanged, kAtCfa, kAtFp, kAtSp };

class Rule {
 public:
  explicit Rule(RuleKind kind) : word_(static_cast<uint64_t>(kind) << kKind.shift) {}
  static Rule from_word(uint64_t word) {
    Rule rule(RuleKind::kNone);
    rule.word_ = word;
    return rule;
  }

  uint64_t word() const { return word_; }
  RuleKind kind() const { return static_cast<RuleKind>(bits(kKind)); }
  bool plain() const { return bits(kPlain) != 0; }
  bool cfa_from_fp() const { return bits(kCfaFromFp) != 0; }
  bool cfa_deref() const { return bits(kCfaDeref) != 0; }
  bool ra_from_sp() const { return bits(kRaFromSp) != 0; }
  bool signal() const { return bits(kSignal) != 0; }  // the caller was interrupted, perhaps on another stack
  FpRule fp_rule() const { return static_cast<FpRule>(bits(kFpRule)); }
  int64_t cfa_offset() const { return number(kCfaOffset); }
  int64_t cfa_post() const { return number(kCfaPost); }
  int64_t fp_offset() const { return number(kFpOffset); }
  int64_t ra_offset() const { return number(kRaOffset); }

  // False if the offset does not fit.
  bool set_cfa(bool from_fp, int64_t offset) { return set(kCfaFromFp, from_fp) && set(kCfaOffset, offset); }
  bool set_cfa_deref(int64_t post) { return set(kCfaDeref, 1) && set(kCfaPost, post); }
  bool set_ra(bool from_sp, int64_t offset) { return set(kRaFromSp, from_sp) && set(kRaOffset, offset); }
  bool set_fp(FpRule place, int64_t offset) {
    return set(kFpRule, static_cast<int64_t>(place)) && set(kFpOffset, offset);
  }
  void set_signal() { set(kSignal, 1); }

  // To be called last.
  void mark_if_plain() {
    const bool steps = kind() == RuleKind::kCfi || kind() == RuleKind::kFramePointer;
    const bool fp_below_cfa = fp_rule() == FpRule::kAtCfa && fp_offset() <= -kWord;
    set(kPlain, steps && !cfa_deref() && !ra_from_sp() && !signal() && ra_offset() == -kWord &&
                    (fp_rule() == FpRule::kUnchanged || fp_below_cfa));
  }

 private:
  struct Field {
    unsigned shift;
    unsigned bits;
    bool is_signed;
  };
  static constexpr int64_t kWord = sizeof(uintptr_t);
  static constexpr Field kPlain{0, 1, false};
  static constexpr Field kCfaFromFp{1, 1, false};
  static constexpr Field kFpRule{2, 2, false};
  static constexpr Field kKind{4, 2, false};
  static constexpr Field kCfaDeref{6, 1, false};
  static constexpr Field kRaFromSp{7, 1, false};
  static constexpr Field kSignal{8, 1, false};
  static constexpr Field kRaOffset{9, 9, true};
  static constexpr Field kCfaPost{18, 5, true};
  static constexpr Field kFpOffset{23, 19, true};
  static constexpr Field kCfaOffset{42, 22, true};

  uint64_t bits(Field field) const { return (word_ >> field.shift) & ((uint64_t{1} << field.bits) - 1); }
  int64_t number(Field field) const {
    return static_cast<int64_t>(word_ << (64 - field.shift - field.bits)) >> (64 - field.bits);
  }
  bool set(Field field, int64_t value) {
    const uint64_t mask = ((uint64_t{1} << field.bits) - 1) << field.shift;
    word_ = (word_ & ~mask) | ((static_cast<uint64_t>(value) << field.shift) & mask);
    return (field.is_signed ? number(field) : static_cast<int64_t>(bits(field))) == value;
  }

  uint64_t word_;
};

}  // namespace masu::debug
