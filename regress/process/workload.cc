// A short general workload, for runs under tools that are slow: threads, hand-over, fork, every tier.
#include <thread>
#include <vector>

#include "check.h"

int main() {
  check_take_over();
  std::vector<Block> handed;
  Random random(1);
  for (int i = 0; i < 500; ++i) handed.push_back(Block::make(random.size()));
  std::thread other([&] {
    for (Block& block : handed) block.release();
    Random own(2);
    churn(own, 500);
  });
  churn(random, 500);
  other.join();
  const pid_t pid = fork();
  if (pid == 0) {
    churn(random, 200);
    _exit(0);
  }
  expect_exit(pid, 0);
  void* block = realloc(hide(calloc(1, 3000000)), 9000000);
  CHECK(block != nullptr);
  free(block);
}
