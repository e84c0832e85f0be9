// One row of the options table in words, in the same spelling that MASU_OPTIONS accepts.
#pragma once

#include <string>

#include "base/options.h"

namespace masu::tool {

std::string default_of(const OptionRow& row);
std::string allowed_values(const OptionRow& row);

}  // namespace masu::tool
