// The text arguments of a printf format: what it will read as strings.
#pragma once

#include <cstdarg>
#include <cstddef>

namespace masu::debug {

struct FormatTexts {
  static constexpr unsigned kMost = 16;
  struct Text {
    const char* begin;
    size_t most;  // characters, where a precision bounds it
  };
  unsigned count = 0;
  Text text[kMost];
};

// Ends at the first conversion it does not know, and at numbered arguments. `arguments` may be used again.
FormatTexts texts_of(const char* format, va_list arguments);

}  // namespace masu::debug
