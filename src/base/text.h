// A line of text built in a fixed buffer: no allocation, no locale, usable in any state of the process.
// Text past the buffer's end is cut, never overrun.
#pragma once

#include <cstddef>
#include <cstdint>

namespace masu {

class Text {
 public:
  Text& operator<<(const char* s) {
    while (*s != 0) put(*s++);
    return *this;
  }
  Text& put(char c) {
    if (size_ < sizeof(buffer_)) buffer_[size_++] = c;
    return *this;
  }
  Text& put(const char* s, size_t n) {
    for (size_t i = 0; i < n; ++i) put(s[i]);
    return *this;
  }
  Text& dec(uint64_t v) { return digits(v, 10); }
  Text& hex(uint64_t v) {
    *this << "0x";
    return digits(v, 16);
  }
  Text& hex(const void* p) { return hex(reinterpret_cast<uintptr_t>(p)); }
  const char* data() const { return buffer_; }
  size_t size() const { return size_; }

 private:
  Text& digits(uint64_t v, unsigned base) {
    char reversed[20];
    size_t n = 0;
    do {
      reversed[n++] = "0123456789abcdef"[v % base];
      v /= base;
    } while (v != 0);
    while (n > 0) put(reversed[--n]);
    return *this;
  }

  char buffer_[512];
  size_t size_ = 0;
};

}  // namespace masu
