// What the mutator offers to tools and tests; the engines know it by their own names (see mutator.cc).
#pragma once

#include <cstddef>
#include <cstdint>

namespace masu::fuzz {

size_t mutate_bytes(uint8_t* data, size_t size, size_t max_size, unsigned seed);
size_t cross(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size, uint8_t* out, size_t max_size,
             unsigned seed);
// The input without its n-th part; 0 where it has no such part. `out` has room for size + 2 * kHeaderBytes.
size_t without_part(const uint8_t* data, size_t size, unsigned n, uint8_t* out);

}  // namespace masu::fuzz
