// Threads end in every way and order while destructors of other libraries (pthread keys of both levels, set again and again;
// C++ thread_local objects) still allocate and free. What a dead thread made is freed by others.
#include <atomic>
#include <pthread.h>
#include <utility>

#include "check.h"

namespace {

constexpr int kKeys = 60;  // beyond the first 32, glibc itself allocates the slots
pthread_key_t keys[kKeys];
std::atomic<int> destructors{0};

struct Late {
  Block block;
  int rounds;
};

Late* make_late(int rounds) {
  auto* late = static_cast<Late*>(malloc(sizeof(Late)));
  CHECK(late != nullptr);
  *late = {Block::make(200 + static_cast<size_t>(rounds) * 5000), rounds};
  return late;
}

void destroy(int key, void* value) {
  destructors.fetch_add(1, std::memory_order_relaxed);
  auto* late = static_cast<Late*>(value);
  const int rounds = late->rounds;
  late->block.release();
  free(late);
  Random random(static_cast<uint64_t>(rounds));
  churn(random, 20);
  if (rounds > 0) CHECK(pthread_setspecific(keys[key], make_late(rounds - 1)) == 0);
}
template <int I>
void make_key() {
  CHECK(pthread_key_create(&keys[I], [](void* value) { destroy(I, value); }) == 0);
}
template <int... I>
void make_keys(std::integer_sequence<int, I...>) {
  (make_key<I>(), ...);
}

struct Local {
  Block block;
  ~Local() {
    if (block.bytes == nullptr) return;
    block.release();
    Random random(5);
    churn(random, 20);
  }
};
thread_local Local first, second;

// One block per thread outlives it.
Block left_behind[64];

void* body(void* argument) {
  const auto index = reinterpret_cast<uintptr_t>(argument);
  Random random(index);
  if (index % 2 == 0) first.block = Block::make(random.size());
  for (int k = static_cast<int>(index % 3); k < kKeys; k += 7) CHECK(pthread_setspecific(keys[k], make_late(2)) == 0);
  if (index % 2 == 1) second.block = Block::make(random.size());
  if (index % 5 != 0) churn(random, 50);
  left_behind[index % 64] = Block::make(random.size());
  switch (index % 4) {
    case 0: pthread_exit(nullptr);
    case 1:
      pthread_cancel(pthread_self());
      pthread_testcancel();
  }
  return nullptr;
}

}  // namespace

int main() {
  check_take_over();
  make_keys(std::make_integer_sequence<int, kKeys>{});
  for (int round = 0; round < 40; ++round) {
    pthread_t threads[64];
    for (uintptr_t i = 0; i < 64; ++i) CHECK(pthread_create(&threads[i], nullptr, body, reinterpret_cast<void*>(i)) == 0);
    for (size_t i = 0; i < 64; ++i) CHECK(pthread_join(threads[round % 2 ? 63 - i : i], nullptr) == 0);
    for (Block& block : left_behind) block.release();
  }
  CHECK(destructors.load() > 10000);
}
