// Little address space. `normal`: an ordinary workload under a limit that the caller has set. Without an argument: the program
// starts itself again under an RLIMIT_AS of 128 MiB; there every allocating function must say ENOMEM instead of crashing, keep
// what it had, leave room for thread stacks, and work again after memory was given back.
#include <atomic>
#include <new>
#include <sched.h>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "check.h"

namespace {

constexpr size_t kLimit = 128u << 20;

void normal_work() {
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 8; ++t) {
    threads.emplace_back([t] {
      Random random(t);
      churn(random, 20000);
    });
  }
  for (auto& thread : threads) thread.join();
  std::vector<Block> live;
  for (size_t sum = 0; sum < (600u << 20); sum += live.back().size) live.push_back(Block::make(1000 + live.size() % 100000));
  for (Block& block : live) block.release();
}

// Takes blocks of one size until there are no more; returns how many there were.
size_t exhaust(size_t size) {
  void* list = nullptr;
  size_t count = 0;
  for (;;) {
    errno = 0;
    void* block = hide(malloc(size));
    if (block == nullptr) break;
    *static_cast<void**>(block) = list;
    list = block;
    ++count;
  }
  CHECK(errno == ENOMEM);
  while (list != nullptr) {
    void* next = *static_cast<void**>(list);
    free(list);
    list = next;
  }
  return count;
}

void each_function_says_enomem() {
  const size_t huge = size_t{1} << 40;
  Block kept = Block::make(50000);
  errno = 0;
  CHECK(hide(malloc(huge)) == nullptr && errno == ENOMEM);
  errno = 0;
  CHECK(hide(calloc(huge, 2)) == nullptr && errno == ENOMEM);
  errno = 0;
  CHECK(hide(realloc(kept.bytes, huge)) == nullptr && errno == ENOMEM);
  errno = 0;
  CHECK(hide(aligned_alloc(64, huge)) == nullptr && errno == ENOMEM);
  void* out = &kept;
  CHECK(posix_memalign(&out, 4096, huge) == ENOMEM && out == &kept);
  CHECK(::operator new(huge, std::nothrow) == nullptr);
  bool thrown = false;
  try {
    ::operator delete(hide(::operator new(huge)));
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  CHECK(thrown);
  kept.release();
}

void exhausted_work() {
  Random random(1);
  churn(random, 1000);
  // A thread whose first allocation finds nothing left must not crash either.
  std::atomic<bool> full{false};
  std::thread late([&full] {
    while (!full.load(std::memory_order_acquire)) sched_yield();
    exhaust(20000);
  });
  each_function_says_enomem();
  for (int round = 0; round < 2; ++round) {
    for (size_t size : {size_t{16}, size_t{100}, size_t{1000}, size_t{5000}, size_t{40000}, size_t{300000}, size_t{5000000}}) {
      CHECK(exhaust(size) * size > kLimit / 4);  // what other sizes had used came back
    }
    churn(random, 2000);
  }
  std::vector<void*> all;
  all.reserve(100000);
  for (size_t size : {size_t{100000}, size_t{4000}}) {
    for (void* block; all.size() < all.capacity() && (block = malloc(size)) != nullptr;) all.push_back(block);
  }
  full.store(true, std::memory_order_release);
  late.join();
  for (void* block : all) free(block);
  each_function_says_enomem();
}

}  // namespace

int main(int argc, char** argv) {
  check_take_over();
  const char* mode = argc > 1 ? argv[1] : "";
  if (strcmp(mode, "normal") == 0) {
    normal_work();
  } else if (strcmp(mode, "limited") == 0) {
    exhausted_work();
  } else {
    const rlimit limit{kLimit, kLimit};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    execl("/proc/self/exe", argv[0], "limited", nullptr);
    CHECK(!"exec");
  }
}
