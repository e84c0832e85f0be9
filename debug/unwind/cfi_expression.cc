#include "debug/unwind/cfi_expression.h"

#include "machine.h"

namespace masu::debug {
namespace {

enum : uint8_t {
  kOpDeref = 0x06,
  kOpConst1u = 0x08,
  kOpConst1s,
  kOpConst2u,
  kOpConst2s,
  kOpConst4u,
  kOpConst4s,
  kOpConst8u,
  kOpConst8s,
  kOpConstu,
  kOpConsts,
  kOpDup,
  kOpAnd = 0x1a,
  kOpMinus = 0x1c,
  kOpPlus = 0x22,
  kOpPlusUconst,
  kOpShl = 0x24,
  kOpGe = 0x2a,
  kOpGt,
  kOpLit0 = 0x30,
  kOpLit31 = 0x4f,
  kOpBreg0 = 0x70,
  kOpBreg31 = 0x8f,
};

Value constant(int64_t value) { return {Base::kNone, false, value, 0}; }

class Stack {
 public:
  void push(Value value) {
    if (depth_ == kDepth)
      failed_ = true;
    else
      values_[depth_++] = value;
  }
  Value pop() {
    if (depth_ != 0) return values_[--depth_];
    failed_ = true;
    return {};
  }
  bool failed() const { return failed_; }

 private:
  static constexpr unsigned kDepth = 8;
  Value values_[kDepth];
  unsigned depth_ = 0;
  bool failed_ = false;
};

Value register_value(uint64_t number, int64_t offset, uintptr_t pc) {
  if (number == machine::kSpRegister) return {Base::kSp, false, offset, 0};
  if (number == machine::kFpRegister) return {Base::kFp, false, offset, 0};
  if (number == machine::kPcRegister) return constant(static_cast<int64_t>(pc) + offset);
  return {};
}

Value binary(uint8_t op, Value left, Value right) {
  if (!left.known() || !right.known()) return {};
  if (op == kOpPlus && right.constant()) return left.plus(right.offset);
  if (op == kOpPlus && left.constant()) return right.plus(left.offset);
  if (op == kOpMinus && right.constant()) return left.plus(-right.offset);
  if (!left.constant() || !right.constant()) return {};
  switch (op) {
    case kOpAnd:
      return constant(left.offset & right.offset);
    case kOpShl:
      return right.offset < 64
                 ? constant(static_cast<int64_t>(static_cast<uint64_t>(left.offset) << right.offset))
                 : Value{};
    case kOpGe:
      return constant(left.offset >= right.offset);
    case kOpGt:
      return constant(left.offset > right.offset);
    default:
      return {};
  }
}

Value read_constant(uint8_t op, ByteReader& program) {
  switch (op) {
    case kOpConst1u:
      return constant(program.read<uint8_t>());
    case kOpConst1s:
      return constant(program.read<int8_t>());
    case kOpConst2u:
      return constant(program.read<uint16_t>());
    case kOpConst2s:
      return constant(program.read<int16_t>());
    case kOpConst4u:
      return constant(program.read<uint32_t>());
    case kOpConst4s:
      return constant(program.read<int32_t>());
    case kOpConst8u:
    case kOpConst8s:
      return constant(program.read<int64_t>());
    case kOpConstu:
      return constant(static_cast<int64_t>(program.uleb()));
    case kOpConsts:
      return constant(program.sleb());
    default:
      return {};
  }
}

Value dereferenced(Value value) {
  if (!value.known() || value.deref || value.constant()) return {};
  value.deref = true;
  return value;
}

}  // namespace

Value evaluate_cfi_expression(ByteReader program, uintptr_t pc, Value initial) {
  Stack stack;
  if (initial.known()) stack.push(initial);
  while (!program.at_end()) {
    const auto op = program.read<uint8_t>();
    if (op >= kOpBreg0 && op <= kOpBreg31) {
      stack.push(register_value(op - kOpBreg0, program.sleb(), pc));
    } else if (op >= kOpLit0 && op <= kOpLit31) {
      stack.push(constant(op - kOpLit0));
    } else if (op >= kOpConst1u && op <= kOpConsts) {
      stack.push(read_constant(op, program));
    } else if (op == kOpDeref) {
      stack.push(dereferenced(stack.pop()));
    } else if (op == kOpPlusUconst) {
      stack.push(stack.pop().plus(static_cast<int64_t>(program.uleb())));
    } else if (op == kOpDup) {
      const Value top = stack.pop();
      stack.push(top);
      stack.push(top);
    } else {
      const Value right = stack.pop();
      stack.push(binary(op, stack.pop(), right));
    }
  }
  const Value result = stack.pop();
  return program.ok() && !stack.failed() ? result : Value{};
}

}  // namespace masu::debug
