// The main thread ends first (pthread_exit); the others go on, free what it made, and the last one ends the process.
#include <pthread.h>
#include <thread>

#include "check.h"

namespace {
Block of_main[200];
pthread_t main_thread;
}  // namespace

int main() {
  check_take_over();
  main_thread = pthread_self();
  Random random(1);
  for (Block& block : of_main) block = Block::make(random.size());
  for (int t = 0; t < 4; ++t) {
    std::thread([t] {
      if (t == 0) CHECK(pthread_join(main_thread, nullptr) == 0);
      Random own(static_cast<uint64_t>(t));
      for (int i = t; i < 200; i += 4) of_main[i].release();
      churn(own, 2000);
    }).detach();
  }
  pthread_exit(nullptr);
}
