// A program linked with libmasu.a, -static and static-pie: masu must be its malloc (says its version with MASU_OPTIONS=verbose=1),
// with threads, fork, C++ containers and exceptions.
#include <map>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

extern "C" const char* masu_version(void);

int main() {
  CHECK(masu_version() != nullptr && masu_version()[0] != '\0');
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 8; ++t) {
    threads.emplace_back([t] {
      Random random(t);
      churn(random, 5000);
      std::map<std::string, std::vector<int>> map;
      for (size_t i = 0; i < 1000; ++i) map[std::string(i % 300, 's')].resize(i);
    });
  }
  for (auto& thread : threads) thread.join();
  const pid_t pid = fork();
  if (pid == 0) {
    Random random(20);
    churn(random, 2000);
    exit(0);
  }
  expect_exit(pid, 0);
  bool thrown = false;
  try {
    ::operator delete(hide(::operator new(hide(SIZE_MAX / 2))));
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  CHECK(thrown);
}
