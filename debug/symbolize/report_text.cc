#include "debug/symbolize/report_text.h"

#include <istream>
#include <ostream>
#include <regex>

namespace masu::debug {
namespace {

const char kPlace[] = R"(\((.+)\+0x([0-9a-f]{1,16})\)(?: \(BuildId: ([0-9a-f]*)\))?)";

constexpr size_t kMaxLine = 8192;  // std::regex takes stack for every character

std::string line_of(const SourceFrame& frame) {
  std::string text = frame.file;
  if (frame.line != 0) text += ":" + std::to_string(frame.line);
  if (frame.line != 0 && frame.column != 0) text += ":" + std::to_string(frame.column);
  return text;
}

std::string name_of(const SourceFrame& frame) { return frame.function.empty() ? "??" : frame.function; }

class Rewriter {
 public:
  Rewriter(std::ostream& out, const LookUp& look_up) : out_(out), look_up_(look_up) {}

  void line(const std::string& line) {
    std::smatch parts;
    if (line.size() > kMaxLine) {
      out_ << line << "\n";
    } else if (std::regex_match(line, parts, frame_)) {
      frame(parts);
    } else if (std::regex_match(line, parts, summary_)) {
      summary(parts);
    } else {
      out_ << line << "\n";
    }
  }

 private:
  std::vector<SourceFrame> resolve(const std::smatch& parts, size_t first) const {
    return look_up_(parts[first], std::stoull(parts[first + 1], nullptr, 16), parts[first + 2]);
  }

  // Inlined frames push the numbers of those outside them up.
  void frame(const std::smatch& parts) {
    const std::string begin = parts[1], address = parts[3], place = parts[4];
    const size_t number = std::stoul(parts[2]);
    if (number == 0) inlined_ = 0;
    const std::vector<SourceFrame> found = parts[5].matched ? resolve(parts, 5) : std::vector<SourceFrame>();
    if (found.empty()) out_ << begin << number + inlined_ << address << " in ??" << place << "\n";
    for (size_t i = 0; i < found.size(); ++i) {
      out_ << begin << number + inlined_ + i << address << " in " << name_of(found[i])
           << (found[i].file.empty() ? place : " " + line_of(found[i])) << "\n";
    }
    if (!found.empty()) inlined_ += found.size() - 1;
  }

  void summary(const std::smatch& parts) const {
    const std::vector<SourceFrame> found = resolve(parts, 3);
    if (found.empty()) {
      out_ << parts[0] << "\n";
    } else {
      const SourceFrame& source = found.front();
      const std::string place = source.file.empty() ? parts[2].str() : line_of(source);
      out_ << parts[1] << " " << place << " in " << name_of(source) << "\n";
    }
  }

  // 1 before the number, 2 number, 3 address, 4 place or nothing, 5 path, 6 offset, 7 build-id
  const std::regex frame_{std::string(R"((\s*#)(\d{1,5})( 0x[0-9a-f]+) in \?\?( )") + kPlace + ")?"};
  // 1 text, 2 place, 3 path, 4 offset, 5 build-id
  const std::regex summary_{std::string(R"((SUMMARY: \w+: \S+) ()") + kPlace + R"()(?: in \?\?)?)"};
  std::ostream& out_;
  const LookUp& look_up_;
  size_t inlined_ = 0;  // in this stack so far, beyond the frames of the report
};

}  // namespace

void symbolize_report(std::istream& in, std::ostream& out, const LookUp& look_up) {
  Rewriter rewriter(out, look_up);
  for (std::string line; std::getline(in, line);) rewriter.line(line);
}

}  // namespace masu::debug
