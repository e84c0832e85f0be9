// Where a block lies in its cell: kFront bytes of red zone, the program's bytes, at least kTail bytes of red zone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.h"

namespace masu::debug {

constexpr size_t kFront = kGranule;
constexpr size_t kTail = 1;

// Bytes of cell for a request; the caller has bounded both.
constexpr size_t cell_bytes(size_t bytes, size_t align) {
  return max_of<size_t>(bytes + kFront + kTail + (align > kGranule ? align : 0), 32);
}

constexpr uintptr_t user_of_block(uintptr_t block, unsigned align_log2) {
  return align_up(block + kFront, size_t{1} << max_of(align_log2, kGranuleShift));
}

}  // namespace masu::debug
