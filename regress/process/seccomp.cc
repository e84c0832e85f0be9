// After start-up an allocator may need mmap munmap mremap madvise mprotect and futex, and nothing else: a filter installed in main
// kills the process at any other call (shown first, in a child) while all tiers work, in threads that exist already but have not
// allocated yet.
#include <csignal>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "check.h"

namespace {

// After those of the allocator: what the C library needs to end threads and the process.
constexpr unsigned kAllowed[] = {SYS_mmap, SYS_munmap, SYS_mremap, SYS_madvise, SYS_mprotect, SYS_futex,
                                 SYS_write, SYS_exit, SYS_exit_group, SYS_rt_sigprocmask, SYS_rt_sigreturn};

void allow_only_needed() {
  sock_filter program[64];
  size_t n = 0;
  program[n++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (const unsigned call : kAllowed) {
    program[n++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
    program[n++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }
  program[n++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  const sock_fprog filter{static_cast<unsigned short>(n), program};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0);
}

constexpr int kThreads = 4;
Block passed[kThreads][500];
pthread_barrier_t barrier;

// Blocks go to the next thread, so caches, inboxes and adoption of ended owners all run.
void work(size_t index) {
  Random random(index);
  for (int round = 0; round < 4; ++round) {
    for (Block& block : passed[index]) block = Block::make(random.size());
    pthread_barrier_wait(&barrier);
    for (Block& block : passed[(index + 1) % kThreads]) block.release();
    churn(random, 5000);
    for (size_t size = 1; size < (64u << 20); size *= 3) {
      void* block = calloc(1, size);
      CHECK(block != nullptr);
      block = realloc(block, size * 2);
      CHECK(block != nullptr);
      void* aligned = nullptr;
      CHECK(posix_memalign(&aligned, 1 << 16, size) == 0);
      free(block);
      free(aligned);
    }
    pthread_barrier_wait(&barrier);
  }
}

void* body(void* argument) {
  pthread_barrier_wait(&barrier);  // this thread's own start-up is over
  pthread_barrier_wait(&barrier);  // the filter is in place
  work(reinterpret_cast<uintptr_t>(argument));
  return nullptr;
}

}  // namespace

int main() {
  check_take_over();
  const pid_t pid = fork();
  if (pid == 0) {
    allow_only_needed();
    getppid();
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);

  CHECK(pthread_barrier_init(&barrier, nullptr, kThreads) == 0);
  pthread_t threads[kThreads];
  for (uintptr_t i = 1; i < kThreads; ++i) CHECK(pthread_create(&threads[i], nullptr, body, reinterpret_cast<void*>(i)) == 0);
  pthread_barrier_wait(&barrier);
  allow_only_needed();
  pthread_barrier_wait(&barrier);
  work(0);
  for (int i = 1; i < kThreads; ++i) CHECK(pthread_join(threads[i], nullptr) == 0);
}
