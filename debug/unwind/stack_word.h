// Reading other functions' stack frames. The walker has made sure that the memory can be read.
#pragma once
#include <cstdint>

namespace masu::debug {

// Sanitizers would take another frame's memory for out of bounds.
__attribute__((no_sanitize("address", "thread", "undefined"))) inline uintptr_t stack_word(
    uintptr_t address) {
  return *reinterpret_cast<const uintptr_t*>(address);
}

}  // namespace masu::debug
