// Generations of forks, each freeing what its ancestors made, with fork handlers that allocate: registered before the
// allocator can have registered its own (.preinit_array runs first; constructors of libraries also may), and late.
#include <pthread.h>

#include "check.h"

namespace {

Block of_handlers[3];

void replace(Block& block) {
  if (block.bytes != nullptr) block.release();
  block = Block::make(3000);
  static Random random(2);
  churn(random, 50);  // enough to need more than what a cache holds
}
void prepare() { replace(of_handlers[0]); }
void in_parent() { replace(of_handlers[1]); }
void in_child() {
  alarm(60);  // a lock that fork left taken ends here
  replace(of_handlers[2]);
}

void at_preinit(int, char**, char**) { CHECK(pthread_atfork(prepare, in_parent, in_child) == 0); }
[[gnu::section(".preinit_array"), gnu::used]] void (*const kPreinit)(int, char**, char**) = at_preinit;

void generation(int depth, Block* of_ancestors, int count) {
  Random random(static_cast<uint64_t>(depth));
  churn(random, 300);
  if (depth == 0) {
    for (int i = 0; i < count; ++i) of_ancestors[i].release();
    return;
  }
  of_ancestors[count] = Block::make(random.size());
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(60);
    generation(depth - 1, of_ancestors, count + 1);
    _exit(depth);
  }
  churn(random, 300);
  expect_exit(pid, depth);
  for (int i = 0; i <= count; ++i) of_ancestors[i].verify();
}

}  // namespace

int main() {
  check_take_over();
  CHECK(pthread_atfork(prepare, in_parent, in_child) == 0);
  alarm(120);
  static Block of_ancestors[32];
  for (int i = 0; i < 20; ++i) generation(8, of_ancestors, 0);
}
