// Checked output functions: the texts that they will read. What is written to a block is the business of sprintf's
// family, in debug_checked_files.cc.
#include <stdio.h>
#include <string.h>

#include "debug/checked.h"
#include "debug/format_texts.h"

namespace masu::debug {
namespace {

// Our own strnlen checks nothing where we call it.
MASU_INLINE void check_text_of(const char* s, size_t most, const char* call) {
  if (MASU_LIKELY(!in_heap(s))) return;
  const size_t n = strnlen(s, most);
  check_read(s, n < most ? n + 1 : most, call);
}
MASU_INLINE void check_texts(const FormatTexts& texts, const char* call) {
  for (unsigned i = 0; i < texts.count; ++i) check_text_of(texts.text[i].begin, texts.text[i].most, call);
}

}  // namespace

// A form that takes its arguments one by one; `print` has them as `args`.
#define MASU_CHECKED_PRINT(name, parameters, call, print) \
  MASU_CHECKED(int, name, parameters, nullptr) {          \
    va_list args;                                         \
    va_start(args, format);                               \
    check_texts(texts_of(format, args), call);            \
    const int n = print;                                  \
    va_end(args);                                         \
    return n;                                             \
  }

MASU_CHECKED(int, puts, (const char* s), nullptr) {
  check_text_of(s, PTRDIFF_MAX, "puts");
  return real_puts(s);
}
MASU_CHECKED(int, fputs, (const char* s, FILE* file), nullptr) {
  check_text_of(s, PTRDIFF_MAX, "fputs");
  return real_fputs(s, file);
}
MASU_CHECKED(int, vfprintf, (FILE* file, const char* format, va_list args), nullptr) {
  check_texts(texts_of(format, args), "vfprintf");
  return real_vfprintf(file, format, args);
}
MASU_CHECKED(int, vprintf, (const char* format, va_list args), nullptr) {
  check_texts(texts_of(format, args), "vprintf");
  return real_vfprintf(stdout, format, args);
}
MASU_CHECKED_PRINT(fprintf, (FILE* file, const char* format, ...), "fprintf", real_vfprintf(file, format, args))
MASU_CHECKED_PRINT(printf, (const char* format, ...), "printf", real_vfprintf(stdout, format, args))
MASU_CHECKED(int, __vfprintf_chk, (FILE* file, int flag, const char* format, va_list args), nullptr) {
  check_texts(texts_of(format, args), "vfprintf");
  return real___vfprintf_chk(file, flag, format, args);
}
MASU_CHECKED(int, __vprintf_chk, (int flag, const char* format, va_list args), nullptr) {
  check_texts(texts_of(format, args), "vprintf");
  return real___vfprintf_chk(stdout, flag, format, args);
}
MASU_CHECKED_PRINT(__fprintf_chk, (FILE* file, int flag, const char* format, ...), "fprintf", real___vfprintf_chk(file, flag, format, args))
MASU_CHECKED_PRINT(__printf_chk, (int flag, const char* format, ...), "printf", real___vfprintf_chk(stdout, flag, format, args))

}  // namespace masu::debug
