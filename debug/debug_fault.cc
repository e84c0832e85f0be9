// Faults: our handler for SIGSEGV and SIGBUS stands first and explains what is ours; the rest goes to the
// program's own handler, which sigaction() and signal() store here instead of in the kernel.
#include <errno.h>
#include <signal.h>

#include "debug/heap.h"
#include "debug/report.h"
#include "fault.h"
#include "machine.h"
#include "sync/real_sync.h"

extern "C" int __sigaction(int, const struct sigaction*, struct sigaction*);

namespace masu::debug {
namespace {

struct sigaction g_program[2] = {};  // SIGSEGV, SIGBUS: as the program set them
FutexMutex g_lock{kRankRegistry};
constinit bool g_installed = false;

bool is_ours(int signal) { return signal == SIGSEGV || signal == SIGBUS; }
struct sigaction& of_program(int signal) { return g_program[signal == SIGBUS]; }

// A pointer that was loaded from a freed block: its upper bytes are poison.
bool is_poison(uintptr_t p) { return (p >> 32) == (kPoison >> 32) || p >> 32 == (kPoison >> 32) + 1; }

bool explain(const siginfo_t& info, const void* context, Finding& f) {
  DebugHeap& heap = debug_heap();
  const uintptr_t address = reinterpret_cast<uintptr_t>(info.si_addr);
  f.access = machine::fault_was_write(context) ? Access::kWrite : Access::kRead;
  f.call = "the program";
  if (info.si_code != SI_KERNEL && heap.paged().covers(address)) {
    const uint8_t* code = reinterpret_cast<const uint8_t*>(machine::context_frame(context).pc);
    return diagnose_guard(heap.view(), address, machine::access_bytes(code), f);
  }
  for (size_t i = 0; info.si_code == SI_KERNEL && i < machine::kRegisters; ++i) {
    if (!is_poison(machine::fault_register(context, i))) continue;
    f.kind = Kind::kUseAfterFree;
    f.access = Access::kRead;
    f.address = machine::fault_register(context, i);
    f.bytes = sizeof(uintptr_t);
    f.detail = "a pointer read from a freed block was followed";
    return true;
  }
  return false;
}

void chain(int signal, siginfo_t* info, void* context) {
  struct sigaction& action = of_program(signal);
  const struct sigaction now = action;
  if ((now.sa_flags & SA_SIGINFO) == 0 && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)) {
    // The faulting instruction runs again and ends the process as it would without us.
    struct sigaction plain = {};
    plain.sa_handler = SIG_DFL;
    __sigaction(signal, &plain, nullptr);
    if (info->si_code <= 0) raise(signal);
    return;
  }
  if ((now.sa_flags & SA_RESETHAND) != 0) action.sa_handler = SIG_DFL;
  if ((now.sa_flags & SA_SIGINFO) != 0) {
    now.sa_sigaction(signal, info, context);
  } else {
    now.sa_handler(signal);
  }
}

void on_fault(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  Finding f;
  if (info->si_code > 0 && explain(*info, context, f)) {
    ThreadState* t = debug_heap().threads().self();
    StackBounds bounds;
    f.frame_count = debug_heap().unwinder().walk_context(context, t != nullptr ? t->bounds : bounds, f.frames, kMaxFrames);
    report(f);
  }
  chain(signal, info, context);
  errno = saved;
}

bool install(int signal, const struct sigaction& wanted) {
  struct sigaction action = wanted;
  action.sa_sigaction = on_fault;
  action.sa_flags = (wanted.sa_flags & (SA_NODEFER | SA_RESTART)) | SA_SIGINFO | SA_ONSTACK;
  return __sigaction(signal, &action, nullptr) == 0;
}

}  // namespace

void install_fault_handler() {
  for (int signal : {SIGSEGV, SIGBUS}) {
    __sigaction(signal, nullptr, &of_program(signal));
    install(signal, of_program(signal));
  }
  g_installed = true;
}

}  // namespace masu::debug

extern "C" {

MASU_EXPORT int sigaction(int signal, const struct sigaction* wanted, struct sigaction* old) noexcept {
  using namespace masu::debug;
  if (!is_ours(signal) || !g_installed) return __sigaction(signal, wanted, old);
  masu::Lock guard(g_lock);
  const struct sigaction before = of_program(signal);
  if (wanted != nullptr) {
    if (!install(signal, *wanted)) return -1;
    of_program(signal) = *wanted;
  }
  if (old != nullptr) *old = before;
  return 0;
}

// BSD's meaning, as glibc's.
MASU_EXPORT sighandler_t signal(int number, sighandler_t handler) noexcept {
  struct sigaction action = {}, old = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, number);
  action.sa_flags = SA_RESTART;
  return sigaction(number, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

}  // extern "C"
