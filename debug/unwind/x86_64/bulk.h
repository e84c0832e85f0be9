// Long runs of memory by the instructions that the processor has for them: it fetches no line that it will overwrite.
#pragma once

#include <cstddef>
#include <cstdint>

namespace masu::debug::machine {

inline constexpr size_t kLongRun = 2048;  // bytes; shorter ones are quicker by loops

[[gnu::always_inline]] inline void fill_words(uintptr_t at, uint64_t value, size_t words) {
  asm volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(value) : "memory");
}
[[gnu::always_inline]] inline void copy_bytes(void* to, const void* from, size_t bytes) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

}  // namespace masu::debug::machine
