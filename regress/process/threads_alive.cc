// A thousand threads alive at once, each with blocks of its own, each freeing its neighbour's.
#include <pthread.h>

#include "check.h"

namespace {

constexpr size_t kThreads = 1000, kBlocks = 20;
Block blocks[kThreads][kBlocks];
pthread_barrier_t barrier;

void* body(void* argument) {
  const auto index = reinterpret_cast<uintptr_t>(argument);
  Random random(index);
  for (Block& block : blocks[index]) block = Block::make(1 + random.below(3000));
  pthread_barrier_wait(&barrier);
  for (Block& block : blocks[(index + 1) % kThreads]) block.release();
  churn(random, 100);
  pthread_barrier_wait(&barrier);
  return nullptr;
}

}  // namespace

int main() {
  check_take_over();
  CHECK(pthread_barrier_init(&barrier, nullptr, kThreads) == 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  CHECK(pthread_attr_setstacksize(&attributes, 128 * 1024) == 0);
  static pthread_t threads[kThreads];
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < kThreads; ++i) CHECK(pthread_create(&threads[i], &attributes, body, reinterpret_cast<void*>(i)) == 0);
    for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
  }
}
