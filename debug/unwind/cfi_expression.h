// Symbolic evaluation of the DWARF expressions that call-frame programs contain.
// Invariant: a value is  base + offset, or  *(base + offset) + post.
#pragma once
#include <cstdint>

#include "debug/unwind/byte_reader.h"

namespace masu::debug {

enum class Base : uint8_t { kNone, kSp, kFp, kCfa, kUnknown };

struct Value {
  Base base = Base::kUnknown;
  bool deref = false;
  int64_t offset = 0;
  int64_t post = 0;

  bool known() const { return base != Base::kUnknown; }
  bool constant() const { return base == Base::kNone && !deref; }
  Value plus(int64_t addend) const {
    Value sum = *this;
    (deref ? sum.post : sum.offset) += addend;
    return sum;
  }
};

// `initial` is pushed first where known (DW_CFA_expression pushes the CFA). Unknown on anything else.
Value evaluate_cfi_expression(ByteReader program, uintptr_t pc, Value initial);

}  // namespace masu::debug
