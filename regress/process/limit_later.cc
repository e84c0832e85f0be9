// A program that limits its own address space far below what its malloc may have reserved at the start goes on: small and large
// blocks are to be had, threads can be started, ENOMEM comes where the limit really is, and all is well after it was lifted.
#include <sys/mman.h>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "check.h"

namespace {

constexpr size_t kLimit = 768u << 20, kChunk = 8u << 20;

void limit_to(size_t bytes) {
  const rlimit limit{bytes, RLIM_INFINITY};
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

void work_in_threads() {
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      Random random(t);
      churn(random, 5000);
    });
  }
  for (auto& thread : threads) thread.join();
}

// Blocks of one size, until there are no more or they are as many as asked for; all are written to at both ends.
size_t take(size_t size, size_t most) {
  std::vector<char*> blocks;
  blocks.reserve(most);
  while (blocks.size() < most) {
    errno = 0;
    char* block = static_cast<char*>(hide(malloc(size)));
    if (block == nullptr) {
      CHECK(errno == ENOMEM);
      break;
    }
    block[0] = block[size - 1] = 1;
    blocks.push_back(block);
  }
  const size_t taken = blocks.size();
  for (char* block : blocks) free(block);
  return taken;
}

}  // namespace

int main() {
  check_take_over();
  Random random(1);
  churn(random, 2000);
  limit_to(kLimit);
  churn(random, 2000);
  Block large = Block::make(kChunk);  // a mapping of its own, which the reserved range must make room for
  work_in_threads();
  CHECK(take(kChunk, 1000) < kLimit / kChunk);
  CHECK(take(kChunk, 1000) > kLimit / kChunk / 2);
  CHECK(take(3000, 1000000) > kLimit / 3000 / 3);  // small ones get the same memory
  churn(random, 2000);
  large.release();
  limit_to(RLIM_INFINITY);
  CHECK(take(kChunk, 200) == 200);
  CHECK(take(3000, 500000) == 500000);
  work_in_threads();
}
