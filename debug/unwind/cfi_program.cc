#include "debug/unwind/cfi_program.h"

#include "debug/unwind/cfi_expression.h"
#include "machine.h"

namespace masu::debug {
namespace {

enum : uint8_t {
  kNop,
  kSetLoc,
  kAdvance1,
  kAdvance2,
  kAdvance4,
  kOffsetExtended,
  kRestoreExtended,
  kUndefined,
  kSameValue,
  kRegister,
  kRememberState,
  kRestoreState,
  kDefCfa,
  kDefCfaRegister,
  kDefCfaOffset,
  kDefCfaExpression,
  kExpression,
  kOffsetExtendedSf,
  kDefCfaSf,
  kDefCfaOffsetSf,
  kValOffset,
  kValOffsetSf,
  kValExpression,
  kArgsSize = 0x2e,
  kNegativeOffsetExtended = 0x2f,
  kAdvance = 0x40,
  kOffset = 0x80,
  kRestore = 0xc0,  // the operand is in the low six bits
};

enum class Saved : uint8_t { kSame, kUndefined, kAt, kLost };

struct RegisterRule {
  Saved saved = Saved::kSame;
  Value place;
};

struct Row {
  Value cfa;
  RegisterRule fp;
  RegisterRule ra;
};

class Interpreter {
 public:
  Interpreter(const Fde& fde, uintptr_t pc) : fde_(fde), pc_(pc), location_(fde.begin) {}

  bool run() {
    if (!execute(fde_.common)) return false;
    initial_ = row_;
    return execute(fde_.program);
  }
  const Row& row() const { return row_; }

 private:
  static constexpr unsigned kRemembered = 8;

  // Until the row that covers pc is complete.
  bool execute(ByteReader program) {
    while (!program.at_end() && location_ <= pc_) {
      const auto op = program.read<uint8_t>();
      switch (op & 0xc0) {
        case kAdvance:
          advance(op & 0x3f);
          break;
        case kOffset:
          save(op & 0x3f, factored(program.uleb()));
          break;
        case kRestore:
          restore(op & 0x3f);
          break;
        default:
          if (!extended(op, program)) return false;
      }
    }
    return program.ok();
  }

  bool extended(uint8_t op, ByteReader& program) {
    switch (op) {
      case kNop:
        return true;
      case kSetLoc:
        location_ = program.read<uintptr_t>();
        return true;
      case kAdvance1:
        advance(program.read<uint8_t>());
        return true;
      case kAdvance2:
        advance(program.read<uint16_t>());
        return true;
      case kAdvance4:
        advance(program.read<uint32_t>());
        return true;
      case kRememberState:
        return remember();
      case kRestoreState:
        return recall();
      case kArgsSize:
        program.uleb();
        return true;
      case kDefCfa:
      case kDefCfaSf:
      case kDefCfaRegister:
      case kDefCfaOffset:
      case kDefCfaOffsetSf:
      case kDefCfaExpression:
        define_cfa(op, program);
        return true;
      default:
        return define_register(op, program);
    }
  }

  void define_cfa(uint8_t op, ByteReader& program) {
    if (op == kDefCfaExpression) {
      row_.cfa = evaluate_cfi_expression(program.sub(program.uleb()), pc_, {});
    } else if (op == kDefCfaOffset) {
      row_.cfa.offset = static_cast<int64_t>(program.uleb());
    } else if (op == kDefCfaOffsetSf) {
      row_.cfa.offset = program.sleb() * fde_.data_align;
    } else {
      row_.cfa = based(program.uleb(), row_.cfa.offset);
      if (op == kDefCfa) row_.cfa.offset = static_cast<int64_t>(program.uleb());
      if (op == kDefCfaSf) row_.cfa.offset = program.sleb() * fde_.data_align;
    }
  }

  bool define_register(uint8_t op, ByteReader& program) {
    const uint64_t number = program.uleb();
    switch (op) {
      case kOffsetExtended:
        save(number, factored(program.uleb()));
        return true;
      case kOffsetExtendedSf:
        save(number, program.sleb() * fde_.data_align);
        return true;
      case kNegativeOffsetExtended:
        save(number, -factored(program.uleb()));
        return true;
      case kRestoreExtended:
        restore(number);
        return true;
      case kUndefined:
        set(number, {Saved::kUndefined, {}});
        return true;
      case kSameValue:
        set(number, {Saved::kSame, {}});
        return true;
      case kRegister:
      case kValOffset:
        program.uleb();
        set(number, {Saved::kLost, {}});
        return true;
      case kValOffsetSf:
        program.sleb();
        set(number, {Saved::kLost, {}});
        return true;
      case kExpression: {
        const Value place =
            evaluate_cfi_expression(program.sub(program.uleb()), pc_, {Base::kCfa, false, 0, 0});
        set(number, {place.known() ? Saved::kAt : Saved::kLost, place});
        return true;
      }
      case kValExpression:
        program.skip(program.uleb());
        set(number, {Saved::kLost, {}});
        return true;
      default:
        return false;
    }
  }

  void advance(uint64_t delta) { location_ += delta * fde_.code_align; }
  int64_t factored(uint64_t offset) const { return static_cast<int64_t>(offset) * fde_.data_align; }

  static Value based(uint64_t number, int64_t offset) {
    if (number == machine::kSpRegister) return {Base::kSp, false, offset, 0};
    if (number == machine::kFpRegister) return {Base::kFp, false, offset, 0};
    return {Base::kUnknown, false, offset, 0};
  }

  void save(uint64_t number, int64_t offset) { set(number, {Saved::kAt, {Base::kCfa, false, offset, 0}}); }
  void set(uint64_t number, RegisterRule rule) {
    if (number == machine::kFpRegister) row_.fp = rule;
    if (number == fde_.ra_register) row_.ra = rule;
  }
  void restore(uint64_t number) {
    if (number == machine::kFpRegister) row_.fp = initial_.fp;
    if (number == fde_.ra_register) row_.ra = initial_.ra;
  }

  bool remember() {
    if (remembered_ == kRemembered) return false;
    stack_[remembered_++] = row_;
    return true;
  }
  bool recall() {
    if (remembered_ == 0) return false;
    row_ = stack_[--remembered_];
    return true;
  }

  const Fde& fde_;
  const uintptr_t pc_;
  uintptr_t location_;
  Row row_;
  Row initial_;
  Row stack_[kRemembered];
  unsigned remembered_ = 0;
};

bool reduce_cfa(const Value& cfa, Rule& rule) {
  if (cfa.base != Base::kSp && cfa.base != Base::kFp) return false;
  if (cfa.deref && !rule.set_cfa_deref(cfa.post)) return false;
  return rule.set_cfa(cfa.base == Base::kFp, cfa.offset);
}

bool reduce_ra(const RegisterRule& ra, Rule& rule) {
  if (ra.saved != Saved::kAt || ra.place.deref) return false;
  if (ra.place.base != Base::kCfa && ra.place.base != Base::kSp) return false;
  return rule.set_ra(ra.place.base == Base::kSp, ra.place.offset);
}

// A frame pointer that cannot be followed stays as it is: only callers that need it are lost.
void reduce_fp(const RegisterRule& fp, Rule& rule) {
  if (fp.saved != Saved::kAt || fp.place.deref) return;
  FpRule place = FpRule::kUnchanged;
  if (fp.place.base == Base::kCfa) place = FpRule::kAtCfa;
  if (fp.place.base == Base::kFp) place = FpRule::kAtFp;
  if (fp.place.base == Base::kSp) place = FpRule::kAtSp;
  if (!rule.set_fp(place, fp.place.offset)) rule.set_fp(FpRule::kUnchanged, 0);
}

}  // namespace

Rule run_cfi(const Fde& fde, uintptr_t pc) {
  Interpreter interpreter(fde, pc);
  Rule rule(RuleKind::kCfi);
  if (!interpreter.run() || !reduce_cfa(interpreter.row().cfa, rule) ||
      !reduce_ra(interpreter.row().ra, rule)) {
    return Rule(RuleKind::kEnd);
  }
  reduce_fp(interpreter.row().fp, rule);
  if (fde.signal) rule.set_signal();
  return rule;
}

}  // namespace masu::debug
