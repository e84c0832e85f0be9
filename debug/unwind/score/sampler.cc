// Preloaded by compare.py: walks the stack at every n-th malloc (SAMPLE_EVERY=n), or wherever a CPU timer
// interrupts (SAMPLE_EVERY=0), and stops there for gdb to give its opinion.
#include <signal.h>
#include <sys/time.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "debug/unwind/unwinder.h"

extern "C" void* __libc_malloc(size_t size);

namespace {

constexpr size_t kMaxFrames = 256;
constinit masu::debug::Unwinder g_unwinder;
constinit thread_local masu::debug::StackBounds t_bounds;
constinit thread_local masu::debug::WalkMemo t_memo;
std::atomic<unsigned long> g_calls{0};

unsigned long interval() {
  const char* text = getenv("SAMPLE_EVERY");
  return text != nullptr ? strtoul(text, nullptr, 10) : 1000;
}

void on_timer(int, siginfo_t*, void* context);

}  // namespace

// The breakpoint: every argument is in a register.
extern "C" [[gnu::noinline, gnu::visibility("default")]] void unwind_sample(const uintptr_t* frames,
                                                                            size_t count) {
  asm volatile("" : : "r"(frames), "r"(count) : "memory");
}

extern "C" [[gnu::visibility("default")]] void* malloc(size_t size) {
  static const unsigned long every = interval();
  if (every != 0 && g_calls.fetch_add(1, std::memory_order_relaxed) % every == every - 1) {
    uintptr_t frames[kMaxFrames];
    unwind_sample(frames, g_unwinder.walk(masu::debug::caller_frame(), t_bounds, t_memo, frames, kMaxFrames));
  }
  return __libc_malloc(size);
}

namespace {

void on_timer(int, siginfo_t*, void* context) {
  uintptr_t frames[kMaxFrames];
  unwind_sample(frames, g_unwinder.walk_context(context, t_bounds, frames, kMaxFrames));
}

[[gnu::constructor]] void start_timer() {
  if (interval() != 0) return;
  struct sigaction action = {};
  action.sa_sigaction = on_timer;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGPROF, &action, nullptr);
  const itimerval period = {{0, 4000}, {0, 4000}};
  setitimer(ITIMER_PROF, &period, nullptr);
}

}  // namespace
