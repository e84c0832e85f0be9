// Text for reports: bounded, without allocation, locale or stdio, usable with a broken heap and in signal
// handlers. Collects in the caller's buffer; a full buffer is written to the file descriptor, or, where there
// is none (kNoFile), the rest is cut and truncated() says so. One thread at a time. errno is kept.
#pragma once
#include <cstddef>
#include <cstdint>

namespace masu::debug {

class ReportWriter {
 public:
  static constexpr int kNoFile = -1;

  ReportWriter(char* buffer, size_t capacity, int file) : buffer_(buffer), capacity_(capacity), file_(file) {}
  ReportWriter(const ReportWriter&) = delete;
  ReportWriter& operator=(const ReportWriter&) = delete;
  ~ReportWriter() { flush(); }

  ReportWriter& text(const char* string);
  ReportWriter& text(const char* bytes, size_t count);
  ReportWriter& put(char c);
  ReportWriter& decimal(uint64_t value);
  ReportWriter& signed_decimal(int64_t value);
  ReportWriter& hex(uint64_t value, unsigned digits = 1);  // without 0x; at least so many digits
  ReportWriter& address(uintptr_t value);                  // 0x and twelve digits, as sanitizers write them
  ReportWriter& bytes(uint64_t count);                     // "1 byte", "96 bytes"
  ReportWriter& json_string(const char* string);           // with its quotes; bytes that are not ASCII pass

  // One line of a stack, with what a symbolizer needs: "    #0 0x... in ?? (path+0xoffset) (BuildId: hex)".
  ReportWriter& frame(unsigned number, uintptr_t site);
  ReportWriter& stack(const uintptr_t* sites, size_t count);

  // "path+0xoffset" and, if it has one, " (BuildId: hex)"; nothing outside loaded objects.
  ReportWriter& module_offset(uintptr_t address);

  // Lines of 16 bytes, in hex and as text, from `begin` rounded down to `end`; the bytes in
  // [bad_begin, bad_end) stand in brackets, those that cannot be read are "??".
  ReportWriter& dump(uintptr_t begin, uintptr_t end, uintptr_t bad_begin, uintptr_t bad_end);

  void flush();
  const char* data() const { return buffer_; }  // what was not flushed
  size_t size() const { return size_; }
  bool truncated() const { return truncated_; }

 private:
  void dump_line(uintptr_t line, uintptr_t bad_begin, uintptr_t bad_end);

  char* buffer_;
  size_t capacity_;
  size_t size_ = 0;
  int file_;
  bool truncated_ = false;
};

}  // namespace masu::debug
