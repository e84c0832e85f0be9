#include "tool/trace_summary.h"

#include <algorithm>
#include <bit>
#include <iomanip>
#include <sstream>
#include <vector>

namespace masu::tool {

using trace::Kind;

TraceSummary summarize(const trace::Trace& trace) {
  struct Block {
    uint64_t size;
    uint16_t thread;
    bool live;
  };
  std::vector<Block> blocks(trace.blocks);
  TraceSummary s;
  s.operations = trace.count;
  s.threads = trace.threads;
  s.unknown = trace.unknown;
  s.lost = trace.lost;
  for (uint32_t i = 0; i < trace.count; ++i) {
    const trace::Operation& op = trace.operations[i];
    Block& block = blocks[op.block];
    ++s.times[static_cast<size_t>(op.kind)];
    if (op.kind == Kind::kUsable) continue;
    if (op.kind == Kind::kFree) {
      s.left_blocks -= block.live;
      s.left_bytes -= block.size;
      s.freed_elsewhere += block.live && block.thread != op.thread;
      block = {};
      continue;
    }
    if (op.size > PTRDIFF_MAX) continue;  // of a trace by hand: no malloc gives it
    s.requested += op.size;
    ++s.sizes[static_cast<size_t>(std::bit_width(std::max<uint64_t>(op.size, 1) - 1))];
    s.left_bytes += op.size - block.size;
    s.left_blocks += !block.live;
    block = {op.size, op.thread, true};
    s.peak_blocks = std::max(s.peak_blocks, s.left_blocks);
    s.peak_bytes = std::max(s.peak_bytes, s.left_bytes);
  }
  return s;
}

std::string as_text(const TraceSummary& s) {
  std::ostringstream out;
  auto line = [&out](const std::string& name, uint64_t value, const std::string& more = "") {
    out << std::left << std::setw(20) << name << std::right << std::setw(14) << value << more << "\n";
  };
  line("operations", s.operations);
  line("threads", s.threads);
  for (auto kind = Kind::kMalloc; kind <= Kind::kUsable; kind = static_cast<Kind>(static_cast<int>(kind) + 1)) {
    line(std::string("  ") + trace::kind_name(kind), s.times[static_cast<size_t>(kind)]);
  }
  line("requested bytes", s.requested);
  line("peak live blocks", s.peak_blocks);
  line("peak live bytes", s.peak_bytes);
  line("left blocks", s.left_blocks);
  line("left bytes", s.left_bytes);
  line("freed elsewhere", s.freed_elsewhere, "  (by another thread than got the block)");
  if (s.unknown != 0) line("unknown", s.unknown, "  (left out: calls with blocks from before the recording)");
  if (s.lost != 0) line("lost", s.lost, "  (blocks whose end was not recorded)");
  uint64_t calls = 0;
  for (uint64_t n : s.sizes) calls += n;
  for (size_t i = 0; i < s.sizes.size(); ++i) {
    if (s.sizes[i] == 0) continue;
    std::ostringstream share;
    share << std::fixed << std::setprecision(1) << std::setw(7) << 100.0 * static_cast<double>(s.sizes[i]) / static_cast<double>(calls) << " %";
    line("size <= " + (i < 64 ? std::to_string(uint64_t{1} << i) : "2^64"), s.sizes[i], share.str());
  }
  return out.str();
}

}  // namespace masu::tool
