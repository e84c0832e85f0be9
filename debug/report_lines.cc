#include "debug/report_lines.h"

#include <unistd.h>

#include "base/bits.h"
#include "debug/module.h"
#include "debug/unwind/stack_bounds.h"
#include "os/linux.h"

namespace masu::debug {

Line::~Line() {
  put('\n');
  linux_write_error(data(), size());
}

void begin_error(Text& line) {
  line << "==";
  line.dec(static_cast<uint64_t>(getpid())) << "==ERROR: MasuSanitizer: ";
}

bool is_own_code(uintptr_t site) {
  Module own, other;
  return find_module(reinterpret_cast<uintptr_t>(&is_own_code), own) && find_module(site, other) &&
         own.begin == other.begin;
}

void write_location(Text& line, uintptr_t site) {
  Module m;
  if (!find_module(site, m)) {
    line << "(unknown+";
    line.hex(site) << ")";
    return;
  }
  char buffer[384];
  line << "(" << (m.path[0] == '\0' ? program_path(buffer, sizeof(buffer)) : m.path) << "+";
  line.hex(site - m.bias) << ")";
}

void write_frame(unsigned n, uintptr_t site) {
  Line line;
  line << "    #";
  line.dec(n) << " ";
  line.hex(site) << "  ";
  write_location(line, site);
  Module m;
  if (!find_module(site, m) || m.build_id == nullptr) return;
  line << " (BuildId: ";
  for (size_t i = 0; i < m.build_id_bytes && i < 20; ++i) {
    line.put("0123456789abcdef"[m.build_id[i] >> 4]).put("0123456789abcdef"[m.build_id[i] & 15]);
  }
  line << ")";
}

// Sixteen bytes a line; [] around those that changed, or around the address.
void write_dump(const Finding& f) {
  const uintptr_t mark = f.damage != 0 ? f.damage : f.address;
  const uintptr_t mark_end = f.damage != 0 ? f.damage_end : f.address + 1;
  const uintptr_t begin = max_of(align_down(mark, 16) - 48, align_down(f.block.begin, 16));
  const uintptr_t end = begin + 112;
  Line() << "Bytes around it:";
  for (uintptr_t row = begin; row < end && page_readable(row); row += 16) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(row);
    Line line;
    line << (mark >= row && mark < row + 16 ? "=>" : "  ");
    line.hex(row) << ":";
    for (unsigned i = 0; i < 16; ++i) {
      const uintptr_t at = row + i;
      line.put(at == mark ? '[' : at == mark_end ? ']' : ' ');
      line.put("0123456789abcdef"[bytes[i] >> 4]).put("0123456789abcdef"[bytes[i] & 15]);
    }
    line << (mark_end == row + 16 ? "]  " : "   ");
    for (unsigned i = 0; i < 16; ++i) line.put(bytes[i] >= 32 && bytes[i] < 127 ? static_cast<char>(bytes[i]) : '.');
  }
}

}  // namespace masu::debug
