// Lines of a report: each is written to stderr when it goes out of scope. Allocation-free.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/text.h"
#include "debug/finding.h"

namespace masu::debug {

class Line : public Text {
 public:
  Line() = default;
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
};

void begin_error(Text& line);                     // "==PID==ERROR: MasuSanitizer: "
void write_frame(unsigned n, uintptr_t site);     // "    #N 0xADDR (module+0xOFFSET) (BuildId: ..)"
void write_location(Text& line, uintptr_t site);  // "(module+0xOFFSET)"
void write_dump(const Finding& f);                // bytes around the address, changed ones marked
bool is_own_code(uintptr_t site);                 // inside this library

}  // namespace masu::debug
