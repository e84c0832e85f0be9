// Runs one program under an allocator and writes what it cost. A process of its own because a child's peak RSS starts at
// its parent's: a large parent (Python) would hide small figures. Ends the whole group at the time limit.
// Usage: measure RESULT LIMIT_SECONDS CPUS|- PRELOAD|- PROGRAM ARGS...
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

[[noreturn]] void die(const char* what, const char* detail) {
  std::fprintf(stderr, "measure: %s '%s'\n", what, detail);
  std::exit(2);
}

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void pin(const char* cpus) {  // "0" or "0,2,3"
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const char* at = cpus; *at;) {
    char* rest;
    const long cpu = std::strtol(at, &rest, 10);
    if (rest == at || cpu < 0 || cpu >= CPU_SETSIZE || (*rest && *rest != ',')) die("CPUs must be numbers separated by commas, not", cpus);
    CPU_SET(static_cast<size_t>(cpu), &set);
    at = *rest ? rest + 1 : rest;
  }
  if (sched_setaffinity(0, sizeof set, &set) != 0) die("this machine cannot pin to CPUs", cpus);
}

[[noreturn]] void become(const char* cpus, const char* preload, char** program) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (std::strcmp(cpus, "-") != 0) pin(cpus);
  if (std::strcmp(preload, "-") != 0)
    setenv("LD_PRELOAD", preload, 1);
  else
    unsetenv("LD_PRELOAD");
  execvp(program[0], program);
  std::fprintf(stderr, "measure: cannot run '%s': %s\n", program[0], std::strerror(errno));
  _exit(127);
}

// True when the child ended by itself within the limit.
bool await(pid_t child, double limit, int* status, rusage* usage) {
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  const double until = now() + limit;
  while (wait4(child, status, WNOHANG, usage) == 0) {
    const double left = until - now();
    if (left <= 0) {
      kill(-child, SIGKILL);
      wait4(child, status, 0, usage);
      return false;
    }
    timespec t{static_cast<time_t>(left), static_cast<long>((left - static_cast<double>(static_cast<long>(left))) * 1e9)};
    sigtimedwait(&ended, nullptr, &t);
  }
  kill(-child, SIGKILL);  // what it left behind
  return true;
}

double in_seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); }

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) die("usage: measure RESULT LIMIT_SECONDS CPUS|- PRELOAD|- PROGRAM ARGS...; arguments missing after", argv[argc - 1]);
  const double limit = std::atof(argv[2]);
  if (limit <= 0) die("the limit must be a positive number of seconds, not", argv[2]);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &ended, nullptr);
  const double start = now();
  const pid_t child = fork();
  if (child < 0) die("fork failed:", std::strerror(errno));
  if (child == 0) become(argv[3], argv[4], argv + 5);
  int status = 0;
  rusage usage{};
  const bool in_time = await(child, limit, &status, &usage);
  const double wall = now() - start;
  FILE* out = std::fopen(argv[1], "w");
  if (!out) die("cannot write", argv[1]);
  if (!in_time)
    std::fprintf(out, "status=timeout after %g s\n", limit);
  else if (WIFSIGNALED(status))
    std::fprintf(out, "status=signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
  else if (WEXITSTATUS(status) != 0)
    std::fprintf(out, "status=exit %d\n", WEXITSTATUS(status));
  else
    std::fprintf(out, "status=ok\n");
  std::fprintf(out, "wall=%.6f\nuser=%.6f\nsys=%.6f\nrss_kib=%ld\nfaults=%ld\nvoluntary_switches=%ld\n", wall, in_seconds(usage.ru_utime),
               in_seconds(usage.ru_stime), usage.ru_maxrss, usage.ru_minflt + usage.ru_majflt, usage.ru_nvcsw);
  return std::fclose(out) == 0 ? 0 : 2;
}
