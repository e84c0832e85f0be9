// The x86-64 facts the walker needs: DWARF register numbers, where a frame starts, where a signal stopped.
// CMake puts the directory of the target's processor on the include path; nothing else differs by machine.
#pragma once
#include <ucontext.h>

#include <cstdint>

#include "debug/unwind/frame.h"
#include "debug/unwind/rule.h"

namespace masu::debug::machine {

inline constexpr uint64_t kFpRegister = 6;
inline constexpr uint64_t kSpRegister = 7;
inline constexpr uint64_t kPcRegister = 16;
inline constexpr uintptr_t kAddressEnd = uintptr_t{1} << 47;

// push %rbp; mov %rsp, %rbp: the saved pointer at the frame pointer, the return address above it.
inline Rule frame_pointer_rule() {
  Rule rule(RuleKind::kFramePointer);
  rule.set_cfa(true, 16);
  rule.set_fp(FpRule::kAtCfa, -16);
  rule.set_ra(false, -8);
  return rule;
}

// A call through a bad pointer: the callee never ran, the return address is on top of the stack.
inline Rule just_called_rule() {
  Rule rule(RuleKind::kCfi);
  rule.set_cfa(false, 8);
  rule.set_ra(false, -8);
  return rule;
}

inline Frame context_frame(const void* ucontext) {
  const auto& registers = static_cast<const ucontext_t*>(ucontext)->uc_mcontext.gregs;
  return {static_cast<uintptr_t>(registers[REG_RIP]), static_cast<uintptr_t>(registers[REG_RSP]),
          static_cast<uintptr_t>(registers[REG_RBP]), true};
}

}  // namespace masu::debug::machine
