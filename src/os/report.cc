#include "os/report.h"

#include <atomic>

#include "base/text.h"
#include "os/linux.h"

namespace masu {
namespace {

constinit std::atomic<bool> g_reported{false};
constinit std::atomic<bool> g_oom{false};

void write_line(Text& line) {
  line.put('\n');
  linux_write_error(line.data(), line.size());
}

}  // namespace

void report_fault(Fault f, const Evidence& e) {
  const FaultText& text = kFaultText[static_cast<size_t>(f)];
  // acq_rel: only decides who reports.
  if (!g_reported.exchange(true, std::memory_order_acq_rel)) {
    Text line;
    line << "masu: " << text.kind << ": ";
    line.hex(e.address);
    if (e.where[0] != 0) line << " in " << e.where << "()";
    if (e.block_size != 0) {
      line << ", ";
      if (e.address != e.block) line.dec(e.address - e.block) << " bytes into ";
      line << "a block of ";
      line.dec(e.block_size) << " bytes at ";
      line.hex(e.block);
    }
    if (e.detail[0] != 0) line << ": " << e.detail;
    line << "; " << text.next;
    if (f != Fault::kInternal) line << "; to find it run: masu run --debug";
    write_line(line);
  } else {
    // Another thread is reporting and will abort.
    for (int i = 0; i < 1000; ++i) linux_yield();
  }
  linux_abort();
}

void report_out_of_memory(size_t bytes) {
  if (g_oom.exchange(true, std::memory_order_acq_rel)) return;  // acq_rel: only decides who reports
  Text line;
  line << "masu: out of memory: ";
  line.dec(bytes) << " bytes are not to be had; malloc returns null (said once)";
  write_line(line);
}

}  // namespace masu
