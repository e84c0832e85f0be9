// Where an address outside every block lies, in words: stack, global, code, mapping, unmapped. Reads the kernel's
// map of the process; allocation-free; for reports.
#pragma once

#include <cstdint>

#include "base/text.h"

namespace masu::debug {

void describe_place(Text& line, uintptr_t address);

}  // namespace masu::debug
