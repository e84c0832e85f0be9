// Runs the call-frame program of an entry up to a pc and reduces the row to what the walker follows:
// the CFA, the saved frame pointer and the return address. Pure, bounded, never allocates.
// Expressions are evaluated symbolically: since the pc is known, the PLT's expression becomes a constant
// offset, and the rest of what compilers emit is "register + offset", dereferenced at most once.
#pragma once
#include <cstdint>

#include "debug/unwind/eh_frame.h"
#include "debug/unwind/rule.h"

namespace masu::debug {

// RuleKind::kEnd if the entry says that this is the outermost frame, or cannot be expressed.
Rule run_cfi(const Fde& fde, uintptr_t pc);

}  // namespace masu::debug
