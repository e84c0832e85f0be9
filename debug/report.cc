#include "debug/report.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>

#include "base/text.h"
#include "debug/heap.h"
#include "debug/report_text.h"
#include "debug/run_symbolizer.h"
#include "debug/suppressions.h"
#include "os/linux.h"

namespace masu::debug {
namespace {

constinit std::atomic<uint32_t> g_reporter{0};  // thread + 1 that reports
constinit std::atomic<size_t> g_reports{0};
constinit bool g_halt = true;
constinit bool g_symbolize = true;
char g_json_path[512];
char g_text[size_t{128} << 10];
constinit Suppressions g_suppressions;

bool find_symbolizer(char* path, size_t bytes) {
  const char* own = own_path();
  size_t slash = 0;
  for (size_t i = 0; own[i] != '\0'; ++i) {
    if (own[i] == '/') slash = i + 1;
  }
  for (const char* place : {"masu-symbolize", "../bin/masu-symbolize"}) {
    ReportWriter w(path, bytes, ReportWriter::kNoFile);
    w.text(own, slash).text(place).put('\0');
    if (!w.truncated() && access(path, X_OK) == 0) return true;
  }
  return false;
}

// The text as it is, where nobody adds names.
void emit(const ReportWriter& w) {
  char path[512];
  if (g_symbolize && find_symbolizer(path, sizeof(path)) && run_symbolizer(path, w.data(), w.size(), STDERR_FILENO)) return;
  linux_write_all(STDERR_FILENO, w.data(), w.size());
}

void emit_json(const Finding& f) {
  if (g_json_path[0] == '\0') return;
  const int fd = open(g_json_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return;
  {
    char buffer[8192];
    ReportWriter w(buffer, sizeof(buffer), fd);
    write_json(w, f);
  }
  close(fd);
}

bool suppressed(const Finding& f) {
  if (!f.text().may_continue || g_suppressions.empty()) return false;
  const StackDepot::Frames alloc = debug_heap().depot().get(f.block.alloc_stack);
  const StackDepot::Frames free = debug_heap().depot().get(f.block.free_stack);
  return g_suppressions.match(f.frames, f.frame_count) || g_suppressions.match(alloc.sites, alloc.count) ||
         g_suppressions.match(free.sites, free.count);
}

// One thread at a time; one that needs a report while it makes one ends here.
void take_turn() {
  const uint32_t me = (tls_thread == nullptr ? 0 : tls_thread->id) + 1;
  uint32_t nobody = 0;
  // acq_rel: only decides who reports.
  while (!g_reporter.compare_exchange_strong(nobody, me, std::memory_order_acq_rel, std::memory_order_acquire)) {
    if (nobody == me) linux_abort();
    nobody = 0;
    linux_yield();
  }
  g_reports.fetch_add(1, std::memory_order_relaxed);  // relaxed: a count
}
void end_turn() { g_reporter.store(0, std::memory_order_release); }  // release, pairs with take_turn()

}  // namespace

void report(const Finding& f) {
  if (suppressed(f)) return;
  take_turn();
  {
    ReportWriter w(g_text, sizeof(g_text), ReportWriter::kNoFile);
    write_text(w, f);
    emit(w);
  }
  emit_json(f);
  if (g_halt || !f.text().may_continue) linux_abort();
  end_turn();
}

bool report_leaks(const Leak* leaks, size_t count, bool complete) {
  size_t bytes = 0, blocks = 0;
  take_turn();
  ReportWriter w(g_text, sizeof(g_text), ReportWriter::kNoFile);
  w.text("==").decimal(static_cast<uint64_t>(getpid())).text("==ERROR: MasuSanitizer: detected memory leaks\n\n");
  for (size_t i = 0; i < count; ++i) {
    const Leak& leak = leaks[i];
    const StackDepot::Frames stack = debug_heap().depot().get(leak.stack);
    if (g_suppressions.match(stack.sites, stack.count)) continue;
    bytes += leak.bytes;
    blocks += leak.blocks;
    w.text(leak.direct ? "Direct" : "Indirect").text(" leak of ").decimal(leak.bytes).text(" byte(s) in ");
    w.decimal(leak.blocks).text(" object(s) allocated by ");
    write_thread(w, leak.thread);
    w.text(" from:\n");
    write_stack_of(w, leak.stack);
  }
  if (!complete) w.text("There are more: only the first stacks are shown.\n");
  w.text("SUMMARY: MasuSanitizer: ").decimal(bytes).text(" byte(s) leaked in ").decimal(blocks).text(" allocation(s).\n");
  if (blocks != 0) emit(w);
  end_turn();
  return blocks != 0;
}

void configure_reports(const Options& options) {
  g_halt = options.on(Option::kHalt);
  g_symbolize = options.on(Option::kSymbolize);
  copy_option(options.text(Option::kReport), g_json_path, sizeof(g_json_path));
  char path[512];
  copy_option(options.text(Option::kSuppressions), path, sizeof(path));
  if (path[0] != '\0') g_suppressions.read(path);
}

void sum_up_reports() {
  const size_t n = g_reports.load(std::memory_order_relaxed);  // relaxed: a count
  if (g_halt || n == 0) return;
  Text line;
  line << "masu: reports: ";
  line.dec(n) << "; the first is the one to look at\n";
  linux_write_error(line.data(), line.size());
}

// The inner heap found its own state broken.
void DebugLane::fatal(Fault fault, const Evidence& e) {
  Finding f;
  f.kind = Kind::kInternal;
  f.address = e.address;
  f.call = e.where;
  f.detail = e.detail[0] != '\0' ? e.detail : kFaultText[static_cast<size_t>(fault)].kind;
  Cell cell;
  if (debug_heap().locate(f.address, cell)) f.block = facts_of(cell);
  debug_heap().walk(f, caller());
  report(f);
}

}  // namespace masu::debug
