// Everything that runs at exit may still allocate and free: atexit, on_exit, quick_exit, static and thread_local destructors,
// fini functions, while a detached thread goes on allocating.
#include <string>
#include <thread>
#include <vector>

#include "check.h"

namespace {

struct Static {
  std::vector<std::string> words;
  ~Static() {
    words.emplace_back(10000, 'z');
    Random random(3);
    churn(random, 500);
  }
} before;

std::vector<Block> kept;

void handler() {
  for (Block& block : kept) block.release();
  kept.clear();
  Random random(4);
  churn(random, 500);
  static Static made_at_exit;
  made_at_exit.words.emplace_back(500, 'e');
}

[[gnu::destructor(101)]] void last_function() {
  Random random(6);
  churn(random, 500);
}

[[noreturn]] void leave(int way) {
  Random random(7);
  for (int i = 0; i < 200; ++i) kept.push_back(Block::make(random.size()));
  before.words.assign(1000, std::string(100, 'w'));
  CHECK(atexit(handler) == 0);
  CHECK(on_exit([](int, void* text) { free(text); }, strdup("on exit")) == 0);
  CHECK(at_quick_exit(handler) == 0);
  std::thread([] {
    Random own(8);
    for (;;) churn(own, 100);
  }).detach();
  thread_local Static local;
  local.words.emplace_back(300, 'l');
  if (way == 0) exit(7);
  if (way == 1) quick_exit(7);
  std::thread([] { exit(7); }).join();
  abort();
}

}  // namespace

int main() {
  check_take_over();
  for (int i = 0; i < 30; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(60);
      leave(i % 3);
    }
    expect_exit(pid, 7);
  }
}
