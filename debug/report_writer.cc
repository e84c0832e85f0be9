#include "debug/report_writer.h"

#include <unistd.h>

#include "debug/module.h"
#include "debug/unwind/stack_bounds.h"
#include "os/linux.h"

namespace masu::debug {
namespace {

constexpr uintptr_t kLineBytes = 16;
constexpr unsigned kAddressDigits = 12;

bool printable(uint8_t byte) { return byte >= 0x20 && byte < 0x7f; }

}  // namespace

void ReportWriter::flush() {
  if (file_ == kNoFile) return;
  truncated_ = !linux_write_all(file_, buffer_, size_) || truncated_;
  size_ = 0;
}

ReportWriter& ReportWriter::put(char c) {
  if (size_ == capacity_) flush();
  if (size_ == capacity_) {
    truncated_ = true;
  } else {
    buffer_[size_++] = c;
  }
  return *this;
}

ReportWriter& ReportWriter::text(const char* string) {
  while (*string != '\0') put(*string++);
  return *this;
}

ReportWriter& ReportWriter::text(const char* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) put(bytes[i]);
  return *this;
}

ReportWriter& ReportWriter::decimal(uint64_t value) {
  char digits[20];
  unsigned count = 0;
  do {
    digits[count++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  while (count != 0) put(digits[--count]);
  return *this;
}

ReportWriter& ReportWriter::signed_decimal(int64_t value) {
  if (value >= 0) return decimal(static_cast<uint64_t>(value));
  return put('-').decimal(~static_cast<uint64_t>(value) + 1);
}

ReportWriter& ReportWriter::hex(uint64_t value, unsigned digits) {
  unsigned count = 16;
  while (count > 1 && count > digits && value >> (4 * (count - 1)) == 0) --count;
  while (count != 0) put("0123456789abcdef"[value >> (4 * --count) & 15]);
  return *this;
}

ReportWriter& ReportWriter::address(uintptr_t value) { return text("0x").hex(value, kAddressDigits); }

ReportWriter& ReportWriter::bytes(uint64_t count) {
  return decimal(count).text(count == 1 ? " byte" : " bytes");
}

ReportWriter& ReportWriter::json_string(const char* string) {
  put('"');
  for (; *string != '\0'; ++string) {
    const auto byte = static_cast<uint8_t>(*string);
    if (byte < 0x20) {
      text("\\u").hex(byte, 4);
    } else {
      if (byte == '"' || byte == '\\') put('\\');
      put(*string);
    }
  }
  return put('"');
}

ReportWriter& ReportWriter::module_offset(uintptr_t address) {
  Module module;
  if (!find_module(address, module)) return *this;
  char program[4096];
  const char* path = *module.path != '\0' ? module.path : program_path(program, sizeof(program));
  text(" (").text(path).text("+0x").hex(address - module.bias).put(')');
  if (module.build_id_bytes == 0) return *this;
  text(" (BuildId: ");
  for (size_t i = 0; i < module.build_id_bytes; ++i) hex(module.build_id[i], 2);
  return put(')');
}

ReportWriter& ReportWriter::frame(unsigned number, uintptr_t site) {
  return text("    #").decimal(number).put(' ').address(site).text(" in ??").module_offset(site).put('\n');
}

ReportWriter& ReportWriter::stack(const uintptr_t* sites, size_t count) {
  for (size_t i = 0; i < count; ++i) frame(static_cast<unsigned>(i), sites[i]);
  return *this;
}

ReportWriter& ReportWriter::dump(uintptr_t begin, uintptr_t end, uintptr_t bad_begin, uintptr_t bad_end) {
  for (uintptr_t line = begin & ~(kLineBytes - 1); line < end; line += kLineBytes)
    dump_line(line, bad_begin, bad_end);
  return *this;
}

void ReportWriter::dump_line(uintptr_t line, uintptr_t bad_begin, uintptr_t bad_end) {
  const bool readable = page_readable(line);  // a line never crosses a page
  text("  ").address(line).put(':');
  for (uintptr_t at = line; at < line + kLineBytes; ++at) {
    const bool bad = at >= bad_begin && at < bad_end;
    put(bad ? '[' : ' ');
    if (readable) {
      hex(*reinterpret_cast<const uint8_t*>(at), 2);
    } else {
      text("??");
    }
    put(bad ? ']' : ' ');
  }
  text(" |");
  for (uintptr_t at = line; at < line + kLineBytes; ++at) {
    const uint8_t byte = readable ? *reinterpret_cast<const uint8_t*>(at) : 0;
    put(printable(byte) ? static_cast<char>(byte) : '.');
  }
  text("|\n");
}

}  // namespace masu::debug
