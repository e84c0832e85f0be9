// Many threads fork while others allocate: the child, whose other threads are gone, allocates, and frees what any thread of the
// parent had made; it forks and starts threads itself.
#include <atomic>
#include <thread>
#include <vector>

#include "check.h"

namespace {

constexpr int kForkers = 3, kForks = 60, kSlots = 256;
std::atomic<Block*> shared[kSlots];  // blocks of every thread, complete before they are published
std::atomic<bool> stop{false};

void release(Block* block) {
  if (block == nullptr) return;
  block->release();
  free(block);
}

void exchange(Random& random) {
  auto* block = static_cast<Block*>(malloc(sizeof(Block)));
  CHECK(block != nullptr);
  *block = Block::make(random.size());
  release(shared[random.below(kSlots)].exchange(block, std::memory_order_acq_rel));
}

void child(Random& random, bool deeper) {
  alarm(60);  // a lock that fork left taken ends here
  for (auto& slot : shared) release(slot.exchange(nullptr, std::memory_order_acq_rel));
  churn(random, 300);
  if (deeper) {
    const pid_t pid = fork();
    if (pid == 0) {
      churn(random, 100);
      _exit(0);
    }
    expect_exit(pid, 0);
    std::thread([&] { churn(random, 100); }).join();
  }
  _exit(0);
}

}  // namespace

int main() {
  check_take_over();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      Random random(100 + static_cast<uint64_t>(t));
      while (!stop.load(std::memory_order_relaxed)) exchange(random);
    });
  }
  std::vector<std::thread> forkers;
  for (int t = 0; t < kForkers; ++t) {
    forkers.emplace_back([t] {
      Random random(static_cast<uint64_t>(t));
      for (int i = 0; i < kForks; ++i) {
        exchange(random);
        const pid_t pid = fork();
        if (pid == 0) child(random, i % 10 == 0);
        expect_exit(pid, 0);
      }
    });
  }
  for (auto& thread : forkers) thread.join();
  stop.store(true, std::memory_order_relaxed);
  for (auto& thread : threads) thread.join();
  for (auto& slot : shared) release(slot.exchange(nullptr, std::memory_order_acq_rel));
}
