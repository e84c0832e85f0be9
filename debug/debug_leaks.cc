// Leaks: live blocks that no chain of pointers reaches from globals, stacks, registers or thread storage. A word that
// points anywhere into a block keeps it. Blocks that only lost blocks point to are lost indirectly.
// Runs once, at exit, with all other threads stopped; marks lie in the records' family and are taken off again.
#include <link.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "debug/heap.h"
#include "debug/places.h"
#include "debug/report.h"
#include "debug/report_text.h"
#include "debug/stop_threads.h"

namespace masu::debug {
namespace {

constexpr uint8_t kReached = 0x80, kIndirect = 0x40;
constexpr size_t kMaxLeaks = 256;

uint8_t marks(const Record& r) { return static_cast<uint8_t>(r.family) & (kReached | kIndirect); }
void add_mark(Record& r, uint8_t mark) { r.family = static_cast<Family>(static_cast<uint8_t>(r.family) | mark); }
void clear_marks(Record& r) { r.family = static_cast<Family>(static_cast<uint8_t>(r.family) & ~(kReached | kIndirect)); }

class Scan {
 public:
  explicit Scan(DebugHeap& heap) : heap_(heap) {}

  // False where there is no memory for the work list.
  bool prepare() {
    each_live([this](const Cell&) { ++live_; });
    void* p = mmap(nullptr, (live_ + 1) * sizeof(Cell), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    work_ = p == MAP_FAILED ? nullptr : static_cast<Cell*>(p);
    return work_ != nullptr;
  }

  void words(uintptr_t begin, uintptr_t end) {
    for (uintptr_t at = align_up(begin, sizeof(uintptr_t)); at + sizeof(uintptr_t) <= end; at += sizeof(uintptr_t)) {
      point_to(*reinterpret_cast<const uintptr_t*>(at), kReached);
    }
    drain(kReached);
  }

  // Blocks of the dynamic linker are held in ways only it knows.
  void keep_linkers() {
    Module linker;
    if (!find_module(getauxval(AT_BASE), linker)) return;
    each_live([&](const Cell& cell) {
      const StackDepot::Frames f = heap_.depot().get(cell.record->alloc_stack);
      Module m;
      for (size_t i = 0; i < f.count && i < 2; ++i) {
        if (is_own_code(f.sites[i]) || !find_module(f.sites[i], m) || m.bias != linker.bias) continue;
        point_to(cell.user, kReached);
        break;
      }
    });
    drain(kReached);
  }

  // Whatever a lost block points to is lost through it.
  void mark_indirect() {
    each_live([this](const Cell& cell) {
      if (marks(*cell.record) == kReached) return;
      for_words(cell, [&](uintptr_t w) {
        Cell target;
        if (live_at(w, target) && target.record != cell.record && marks(*target.record) == 0) add_mark(*target.record, kIndirect);
      });
    });
  }

  bool report() {
    size_t n = 0;
    bool complete = true;
    each_live([&](const Cell& cell) {
      const uint8_t mark = marks(*cell.record);
      clear_marks(*cell.record);
      if ((mark & kReached) == 0) complete = add_leak(cell, mark == 0, n) && complete;
    });
    for (size_t i = 1; i < n; ++i) {  // most bytes first, direct ones before indirect
      for (size_t j = i; j > 0 && before(leaks_[j], leaks_[j - 1]); --j) {
        const Leak t = leaks_[j];
        leaks_[j] = leaks_[j - 1];
        leaks_[j - 1] = t;
      }
    }
    return n != 0 && report_leaks(leaks_, n, complete);
  }

 private:
  template <class Visit>
  void each_live(Visit&& visit) {
    auto visit_live = [&](const Cell& cell) {
      if (state_of(cell) == State::kLive) visit(cell);
    };
    heap_.shadow().each(visit_live);
    heap_.paged().each([&](PagedBlocks::Slot& slot) { visit_live(PagedBlocks::cell(slot)); });
  }

  bool live_at(uintptr_t w, Cell& cell) {
    return heap_.covers(w) && heap_.locate(w, cell) && state_of(cell) == State::kLive &&
           w >= cell.user && w - cell.user < max_of<size_t>(cell.record->size(), 1);
  }

  void point_to(uintptr_t w, uint8_t mark) {
    Cell cell;
    if (!live_at(w, cell) || (marks(*cell.record) & mark) != 0) return;
    add_mark(*cell.record, mark);
    if (used_ < live_) work_[used_++] = cell;
  }
  void drain(uint8_t mark) {
    while (used_ > 0) {
      const Cell cell = work_[--used_];
      for_words(cell, [&](uintptr_t w) { point_to(w, mark); });
    }
  }
  template <class Visit>
  static void for_words(const Cell& cell, Visit&& visit) {
    for (uintptr_t at = align_up(cell.user, sizeof(uintptr_t)); at + sizeof(uintptr_t) <= cell.user_end(); at += sizeof(uintptr_t)) {
      visit(*reinterpret_cast<const uintptr_t*>(at));
    }
  }

  bool add_leak(const Cell& cell, bool direct, size_t& n) {
    const Record& r = *cell.record;
    size_t i = 0;
    while (i < n && !(leaks_[i].stack == r.alloc_stack && leaks_[i].direct == direct && leaks_[i].thread == r.alloc_thread())) ++i;
    if (i == kMaxLeaks) return false;
    if (i == n) leaks_[n++] = {r.alloc_stack, r.alloc_thread(), direct, 0, 0};
    leaks_[i].bytes += r.size();
    ++leaks_[i].blocks;
    return true;
  }
  static bool before(const Leak& a, const Leak& b) { return a.direct != b.direct ? a.direct : a.bytes > b.bytes; }

  DebugHeap& heap_;
  Cell* work_ = nullptr;
  size_t used_ = 0, live_ = 0;
  Leak leaks_[kMaxLeaks];
};

// Writable segments of all objects but this library, whose own tables know every block; this thread's storage.
void scan_globals(Scan& scan) {
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* argument) {
        Scan& to = *static_cast<Scan*>(argument);
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const ElfW(Phdr)& h = info->dlpi_phdr[i];
          const uintptr_t begin = info->dlpi_addr + h.p_vaddr;
          const uintptr_t storage = reinterpret_cast<uintptr_t>(info->dlpi_tls_data);
          if (is_own_code(begin)) continue;
          if (h.p_type == PT_TLS && storage != 0) to.words(storage, storage + h.p_memsz);
          if (h.p_type == PT_LOAD && (h.p_flags & PF_W) != 0) to.words(begin, begin + h.p_memsz);
        }
        return 0;
      },
      &scan);
}

// From a stack pointer, or a control block, up; never past the mapping, nor past the thread's control block:
// what the kernel put behind it may be ours.
void scan_up(Scan& scan, uintptr_t from, uintptr_t control) {
  constexpr uintptr_t kControlBytes = 2304;  // of glibc's struct pthread
  uintptr_t begin = 0, end = 0;
  if (!find_mapping_bounds(from, begin, end)) return;
  scan.words(from, control >= from && control < end ? min_of(end, control + kControlBytes) : end);
}

// Where only libc and the dynamic linker lie between us and the program's entry, no frame of the program is left: what
// main and its callees had on the stack are leavings, which the frames of exit() would keep alive.
bool main_has_returned(From from) {
  Finding f;
  debug_heap().walk(f, from);
  Module libc, linker, m;
  if (!find_module(reinterpret_cast<uintptr_t>(&getauxval), libc) || !find_module(getauxval(AT_BASE), linker)) return false;
  for (size_t i = 0; i < f.frame_count; ++i) {
    constexpr uintptr_t kEntryBytes = 64;
    if (f.frames[i] - getauxval(AT_ENTRY) < kEntryBytes) return true;
    if (is_own_code(f.frames[i])) continue;
    if (!find_module(f.frames[i], m) || (m.bias != libc.bias && m.bias != linker.bias)) return false;
  }
  return false;
}

}  // namespace

bool find_leaks(From from, char** arguments) {
  static Scan scan(debug_heap());
  jmp_buf registers = {};
  setjmp(registers);
  if (!debug_heap().ready() || !scan.prepare()) return false;
  StopThreads stopped;
  scan_globals(scan);
  const uintptr_t control = reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
  if (main_has_returned(from)) {
    scan_up(scan, reinterpret_cast<uintptr_t>(arguments), control);
  } else {
    scan.words(reinterpret_cast<uintptr_t>(&registers), reinterpret_cast<uintptr_t>(&registers) + sizeof(registers));
    scan_up(scan, reinterpret_cast<uintptr_t>(from.frame), control);
  }
  scan_up(scan, control, control);
  for (size_t i = 0; i < stopped.count(); ++i) scan_up(scan, stopped.thread(i).stack, stopped.thread(i).control);
  uintptr_t begin = 0, end = 0;
  if (find_break(begin, end)) scan.words(begin, end);
  scan.keep_linkers();
  scan.mark_indirect();
  return scan.report();
}

}  // namespace masu::debug
