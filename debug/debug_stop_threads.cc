#include "debug/stop_threads.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

extern "C" int __sigaction(int, const struct sigaction*, struct sigaction*);

namespace masu::debug {
namespace {

constinit std::atomic<uint32_t> g_stopped{0};
constinit std::atomic<bool> g_go{false};
StopThreads::Thread g_threads[StopThreads::kMax];
struct sigaction g_old;

int stop_signal() { return SIGRTMAX - 2; }

void rest() {
  const timespec brief{0, 500'000};
  nanosleep(&brief, nullptr);
}

void on_stop(int) {
  const uint32_t i = g_stopped.load(std::memory_order_relaxed);  // relaxed: threads are asked one after another
  if (i < StopThreads::kMax) {
    g_threads[i] = {reinterpret_cast<uintptr_t>(__builtin_frame_address(0)),
                    reinterpret_cast<uintptr_t>(__builtin_thread_pointer())};
  }
  g_stopped.store(i + 1, std::memory_order_release);  // release, pairs with stop(): the stack pointer
  // acquire, pairs with ~StopThreads(): the scan is over.
  while (!g_go.load(std::memory_order_acquire)) rest();
}

void stop(pid_t tid) {
  const uint32_t before = g_stopped.load(std::memory_order_relaxed);  // relaxed: as above
  if (syscall(SYS_tgkill, getpid(), tid, stop_signal()) != 0) return;
  for (int i = 0; i < 100; ++i) {
    if (g_stopped.load(std::memory_order_acquire) != before) return;  // acquire, pairs with on_stop()
    rest();
  }
}

template <class Visit>
void each_task(Visit&& visit) {
  const int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  alignas(8) char buffer[4096];
  for (long got; (got = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0;) {
    for (long at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const struct dirent64*>(buffer + at);
      pid_t tid = 0;
      for (const char* s = entry->d_name; *s >= '0' && *s <= '9'; ++s) tid = tid * 10 + (*s - '0');
      if (tid != 0) visit(tid);
      at += entry->d_reclen;
    }
  }
  close(fd);
}

}  // namespace

StopThreads::StopThreads() {
  struct sigaction action = {};
  action.sa_handler = on_stop;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  if (__sigaction(stop_signal(), &action, &g_old) != 0) return;
  const pid_t self = static_cast<pid_t>(syscall(SYS_gettid));
  each_task([self](pid_t tid) {
    if (tid != self) stop(tid);
  });
}

StopThreads::~StopThreads() {
  g_go.store(true, std::memory_order_release);  // release, pairs with on_stop()
}

size_t StopThreads::count() const {
  const uint32_t n = g_stopped.load(std::memory_order_acquire);  // acquire, pairs with on_stop()
  return n < kMax ? n : kMax;
}
const StopThreads::Thread& StopThreads::thread(size_t i) const { return g_threads[i]; }

}  // namespace masu::debug
