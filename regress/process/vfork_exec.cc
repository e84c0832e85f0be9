// vfork and exec, and posix_spawn, while threads allocate: the child borrows the parent's memory and must not disturb its heap.
#include <atomic>
#include <spawn.h>
#include <thread>
#include <vector>

#include "check.h"

extern char** environ;

// Alone in its frame, which the child shares until it has become another program.
[[gnu::noinline]] static pid_t start(const char* program, char* const* arguments) {
  const pid_t pid = vfork();
  if (pid == 0) {
    execve(program, arguments, environ);
    _exit(9);
  }
  return pid;
}

int main() {
  check_take_over();
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 3; ++t) {
    threads.emplace_back([&stop, t] {
      Random random(t);
      while (!stop.load(std::memory_order_relaxed)) churn(random, 200);
    });
  }
  char program[] = "/bin/true";
  char* const arguments[] = {program, nullptr};
  for (int i = 0; i < 60; ++i) {
    Block block = Block::make(1000 + static_cast<size_t>(i));
    const pid_t pid = start(program, arguments);
    expect_exit(pid, 0);
    block.release();
    pid_t spawned;
    CHECK(posix_spawn(&spawned, program, nullptr, nullptr, arguments, environ) == 0);
    expect_exit(spawned, 0);
  }
  stop.store(true, std::memory_order_relaxed);
  for (auto& thread : threads) thread.join();
}
