#include "debug/report.h"

#include <atomic>

#include "debug/debug_heap.h"
#include "debug/places.h"
#include "debug/report_lines.h"
#include "os/linux.h"

namespace masu::debug {
namespace {

constinit std::atomic<uint32_t> g_reporter{0};  // thread + 1 that reports
constinit bool g_halt = true;

const char* family_name(Family f, bool freeing) {
  switch (f) {
    case Family::kMalloc: return freeing ? "free" : "malloc";
    case Family::kNew: return freeing ? "operator delete" : "operator new";
    case Family::kNewArray: return freeing ? "operator delete[]" : "operator new[]";
  }
  return "?";
}

void write_stack(const uintptr_t* frames, size_t count) {
  unsigned n = 0;
  for (size_t i = 0; i < count; ++i) {
    if (n == 0 && is_own_code(frames[i])) continue;
    write_frame(n++, frames[i]);
  }
  if (n == 0) Line() << "    (no stack: MASU_OPTIONS=stacks=16 keeps them)";
  Line();
}

void write_stack(uint32_t id) {
  const StackDepot::Frames frames = debug_heap().depot().get(id);
  write_stack(frames.sites, frames.count);
}

void write_thread(Line& line, uint32_t id) {
  line << "thread T";
  line.dec(id);
  ThreadName name;
  if (debug_heap().threads().name_of(id, name) && name.name[0] != '\0') line << " (" << name.name << ")";
}

uint32_t this_thread() { return tls_thread == nullptr ? 0 : tls_thread->id; }

void write_access(const Finding& f) {
  if (f.access == Access::kNone) return;
  Line line;
  line << (f.access == Access::kRead ? "READ" : "WRITE") << " of size ";
  line.dec(f.bytes) << " at ";
  line.hex(f.address) << (f.after_the_fact ? " found in " : " by ");
  if (f.after_the_fact) line << f.call << ", ";
  write_thread(line, this_thread());
}

// "0x... is located 7 bytes after 96-byte region [a,b)".
void write_position(const Finding& f) {
  const BlockFacts& b = f.block;
  Line line;
  line.hex(f.address);
  if (!b.known) {
    line << " is no block of this heap: it lies in ";
    describe_place(line, f.address);
    return;
  }
  const uintptr_t end = b.user + b.size;
  line << " is located ";
  if (f.address < b.user) {
    line.dec(b.user - f.address) << " bytes before ";
  } else if (f.address >= end && !(b.size == 0 && f.kind != Kind::kOverflow)) {
    line.dec(f.address - end) << " bytes after ";
  } else {
    line.dec(f.address - b.user) << " bytes inside of ";
  }
  line.dec(b.size) << "-byte region [";
  line.hex(b.user) << ",";
  line.hex(end) << ")";
}

void write_history(const BlockFacts& b) {
  if (!b.known) return;
  if (b.state != State::kLive) {
    {
      Line line;
      line << "freed by ";
      write_thread(line, b.free_thread);
      line << " here:";
    }
    write_stack(b.free_stack);
  }
  {
    Line line;
    line << (b.state == State::kLive ? "allocated by " : "previously allocated by ");
    write_thread(line, b.alloc_thread);
    line << " (serial ";
    line.dec(b.serial) << ") here:";
  }
  write_stack(b.alloc_stack);
}

void write_mismatch(const Finding& f) {
  if (f.kind == Kind::kMismatch) {
    Line() << "  allocated by " << family_name(f.block.family, false) << ", given back by "
           << family_name(f.said_family, true);
  } else if (f.kind == Kind::kTypeMismatch || f.kind == Kind::kSizeMismatch) {
    Line line;
    line << "  allocated size ";
    line.dec(f.block.size) << ", alignment ";
    line.dec(f.block.align_log2 == 0 ? 0 : size_t{1} << f.block.align_log2);
    line << "; given back as size ";
    if (f.said_size == kUnsaid) line << "unsaid";
    else line.dec(f.said_size);
    line << ", alignment ";
    if (f.said_align == kUnsaid) line << "unsaid";
    else line.dec(f.said_align);
  }
}

void write_summary(const Finding& f) {
  Line line;
  line << "SUMMARY: MasuSanitizer: " << f.text().name << " ";
  for (size_t i = 0; i < f.frame_count; ++i) {
    if (is_own_code(f.frames[i])) continue;
    write_location(line, f.frames[i]);
    return;
  }
  line << "found in " << f.call;
}

void write_report(const Finding& f) {
  {
    Line line;
    begin_error(line);
    line << f.text().name << " on address ";
    line.hex(f.address);
    if (f.call[0] != '\0') line << " in " << f.call;
    if (f.detail[0] != '\0') line << ": " << f.detail;
  }
  write_access(f);
  if (!f.after_the_fact || f.frame_count != 0) write_stack(f.frames, f.frame_count);
  write_position(f);
  write_mismatch(f);
  write_history(f.block);
  if (f.block.known) write_dump(f);
  if (f.text().next[0] != '\0') {
    Line line;
    line << "Next: " << f.text().next;
  }
  write_summary(f);
}

}  // namespace

void report(const Finding& f) {
  const uint32_t me = this_thread() + 1;
  uint32_t nobody = 0;
  // acq_rel: only decides who reports.
  while (!g_reporter.compare_exchange_strong(nobody, me, std::memory_order_acq_rel, std::memory_order_acquire)) {
    if (nobody == me) linux_abort();  // a report that needs a report
    nobody = 0;
    linux_yield();
  }
  write_report(f);
  if (g_halt || !f.text().may_continue) linux_abort();
  g_reporter.store(0, std::memory_order_release);
}

void set_halt(bool halt) { g_halt = halt; }

// The inner heap found its own state broken.
void DebugLane::fatal(Fault fault, const Evidence& e) {
  Finding f;
  f.kind = Kind::kInternal;
  f.address = e.address;
  f.call = e.where;
  f.detail = e.detail[0] != '\0' ? e.detail : kFaultText[static_cast<size_t>(fault)].kind;
  debug_heap().walk(f, caller());
  report(f);
}

}  // namespace masu::debug
