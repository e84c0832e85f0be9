// Where an address outside every block lies, in words: stack, global, code, mapping, unmapped. Reads the kernel's
// map of the process; allocation-free; for reports.
#pragma once

#include <cstdint>

#include "base/text.h"

namespace masu::debug {

void describe_place(Text& line, uintptr_t address);

// The readable mapping around an address; the heap of the break. False where there is none.
bool find_mapping_bounds(uintptr_t address, uintptr_t& begin, uintptr_t& end);
bool find_break(uintptr_t& begin, uintptr_t& end);

}  // namespace masu::debug
