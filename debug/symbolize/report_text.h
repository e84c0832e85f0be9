// Rewrites a report: frames as ReportWriter::frame leaves them get their functions and lines, and become
// several where functions were inlined; the summary line gets the place of its frame. Other lines stay as
// they are.
#pragma once
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "debug/symbolize/source_lines.h"

namespace masu::debug {

// What SourceLines::at does, or a test's own.
using LookUp = std::function<std::vector<SourceFrame>(const std::string& path, uint64_t address,
                                                      const std::string& build_id)>;

void symbolize_report(std::istream& in, std::ostream& out, const LookUp& look_up);

}  // namespace masu::debug
