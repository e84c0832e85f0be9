#include "debug/run_symbolizer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/linux.h"

namespace masu::debug {
namespace {

constexpr int kSeconds = 30;
constexpr size_t kMaxEnvironment = 1024;
constexpr size_t kChildStackBytes = size_t{64} << 10;

alignas(64) char g_child_stack[kChildStackBytes];
char* g_environment[kMaxEnvironment];

struct Start {
  const char* program;
  int input;
  int output;
};

// A preloaded allocator would report about the symbolizer.
void copy_environment() {
  constexpr char kPreload[] = "LD_PRELOAD=";
  size_t kept = 0;
  for (char** entry = environ; entry != nullptr && *entry != nullptr && kept + 1 < kMaxEnvironment; ++entry) {
    if (strncmp(*entry, kPreload, sizeof(kPreload) - 1) != 0) g_environment[kept++] = *entry;
  }
  g_environment[kept] = nullptr;
}

// Shares the parent's memory until exec, on a stack of its own, with all signals blocked.
int child(void* argument) {
  const Start& start = *static_cast<const Start*>(argument);
  char* const arguments[] = {const_cast<char*>(start.program), nullptr};
  if (dup2(start.input, STDIN_FILENO) >= 0 && dup2(start.output, STDOUT_FILENO) >= 0) {
    execve(start.program, arguments, g_environment);
  }
  _exit(127);
}

pid_t start_child(const Start& start) {
  copy_environment();
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t pid = clone(child, g_child_stack + kChildStackBytes, CLONE_VM | CLONE_VFORK | SIGCHLD,
                          const_cast<Start*>(&start));
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return pid;
}

// How many bytes were copied until the other end closed, or nothing came for too long.
size_t copy_output(int from, int to, bool& timed_out) {
  char buffer[4096];
  size_t copied = 0;
  for (;;) {
    pollfd waiting = {from, POLLIN, 0};
    const int ready = poll(&waiting, 1, kSeconds * 1000);
    if (ready < 0 && errno == EINTR) continue;
    timed_out = ready == 0;
    if (ready <= 0) return copied;
    const ssize_t count = read(from, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || !linux_write_all(to, buffer, static_cast<size_t>(count))) return copied;
    copied += static_cast<size_t>(count);
  }
}

bool run_on(const char* program, int report, int file) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  const pid_t pid = start_child({program, report, ends[1]});
  close(ends[1]);
  bool timed_out = false;
  const size_t copied = pid > 0 ? copy_output(ends[0], file, timed_out) : 0;
  close(ends[0]);
  if (pid > 0 && timed_out) kill(pid, SIGKILL);
  while (pid > 0 && waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return copied != 0;
}

}  // namespace

bool run_symbolizer(const char* program, const char* report, size_t bytes, int file) {
  const int saved = errno;
  const int input = memfd_create("report", MFD_CLOEXEC);
  const bool ready = input >= 0 && linux_write_all(input, report, bytes) && lseek(input, 0, SEEK_SET) == 0;
  const bool done = ready && run_on(program, input, file);
  if (input >= 0) close(input);
  errno = saved;
  return done;
}

}  // namespace masu::debug
