#include "debug/format_texts.h"

#include <cstdint>

namespace masu::debug {
namespace {

bool is_one_of(char c, const char* set) {
  for (; *set != '\0'; ++set) {
    if (*set == c) return true;
  }
  return false;
}

// Passes digits, or takes the argument that a star stands for; -1 where there is neither.
int number(const char*& at, va_list* arguments) {
  if (*at == '*') {
    ++at;
    return va_arg(*arguments, int);
  }
  if (*at < '0' || *at > '9') return -1;
  unsigned n = 0;
  for (; *at >= '0' && *at <= '9'; ++at) n = n * 10 + static_cast<unsigned>(*at - '0');
  return static_cast<int>(n);
}

// One conversion behind its '%'; false where it is not known.
bool take(const char*& at, va_list* arguments, FormatTexts& out) {
  while (is_one_of(*at, "-+ #0'I")) ++at;
  number(at, arguments);
  int precision = -1;
  if (*at == '.') {
    ++at;
    precision = number(at, arguments);
    if (precision < 0) precision = is_one_of(at[-1], ".") ? 0 : -1;  // "%.s" has none, a negative star is as no precision
  }
  unsigned longs = 0;
  bool long_double = false;
  for (; is_one_of(*at, "hlqjztL"); ++at) {
    longs += *at == 'l' || *at == 'q' || *at == 'j' || *at == 'z' || *at == 't';
    long_double = *at == 'L';
  }
  const char kind = *at;
  if (kind == '\0') return false;
  ++at;
  if (is_one_of(kind, "dioxXuc")) {
    if (longs != 0) va_arg(*arguments, long);
    else va_arg(*arguments, int);
  } else if (is_one_of(kind, "eEfFgGaA")) {
    if (long_double) va_arg(*arguments, long double);
    else va_arg(*arguments, double);
  } else if (is_one_of(kind, "pnsSC")) {
    const char* p = va_arg(*arguments, const char*);
    if (kind == 's' && longs == 0 && out.count < FormatTexts::kMost) {
      out.text[out.count++] = {p, precision < 0 ? PTRDIFF_MAX : static_cast<size_t>(precision)};
    }
  } else {
    return kind == '%' || kind == 'm';
  }
  return true;
}

}  // namespace

FormatTexts texts_of(const char* format, va_list arguments) {
  FormatTexts out;
  va_list copy;
  va_copy(copy, arguments);
  while (*format != '\0') {
    if (*format++ != '%') continue;
    if (!take(format, &copy, out)) break;
  }
  va_end(copy);
  return out;
}

}  // namespace masu::debug
