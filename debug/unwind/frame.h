// One frame's registers, as far as the walker follows them, and how to take those of the caller.
#pragma once
#include <cstdint>

namespace masu::debug {

struct Frame {
  uintptr_t pc;
  uintptr_t sp;
  uintptr_t fp;
  bool exact;  // pc is the next instruction of interrupted code, not a return address

  // The address that says where the code was: inside the call instruction for a return address.
  uintptr_t site() const { return exact ? pc : pc - 1; }
};

// The frame that called the enclosing function. Inlined, so that an API function can leave itself and
// everything below it out of its stacks. Reading the frame address makes the function keep one.
[[gnu::always_inline]] inline Frame caller_frame() {
  const auto* frame = static_cast<const uintptr_t*>(__builtin_frame_address(0));
  return {reinterpret_cast<uintptr_t>(__builtin_extract_return_addr(__builtin_return_address(0))),
          reinterpret_cast<uintptr_t>(__builtin_dwarf_cfa()), frame[0], false};
}

}  // namespace masu::debug
