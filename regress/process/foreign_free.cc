// Threads that free before they ever allocate, and threads that only ever free: contents stay intact, and what they free is used
// again (an allocator that lets such blocks pile up grows by 2 GiB here).
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "check.h"

namespace {

struct Channel {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::vector<Block>> batches;

  void put(std::vector<Block> batch) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return batches.size() < 4; });
    batches.push_back(std::move(batch));
    changed.notify_all();
  }
  std::vector<Block> take() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return !batches.empty(); });
    std::vector<Block> batch = std::move(batches.front());
    batches.pop_front();
    changed.notify_all();
    return batch;
  }
};

std::vector<Block> make_batch(Random& random, size_t bytes) {
  std::vector<Block> batch;
  for (size_t sum = 0; sum < bytes; sum += batch.back().size) batch.push_back(Block::make(random.size()));
  return batch;
}

}  // namespace

int main() {
  check_take_over();
  // First a free, then the first allocation of that thread.
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Block> batch = make_batch(random, 200000);
    std::thread([&] {
      for (Block& block : batch) block.release();
      Random own(static_cast<uint64_t>(round));
      churn(own, 200);
    }).join();
  }
  // Two makers, two that only free (the last reference to each batch's own storage is theirs as well).
  Channel channel;
  std::vector<std::thread> threads;
  constexpr int kBatches = 256;  // of 4 MiB, from each maker
  for (uint64_t t = 0; t < 2; ++t) {
    threads.emplace_back([&channel, t] {
      Random own(10 + t);
      for (int i = 0; i < kBatches; ++i) channel.put(make_batch(own, 4 << 20));
    });
    threads.emplace_back([&channel] {
      for (int i = 0; i < kBatches; ++i) {
        std::vector<Block> batch = channel.take();
        for (Block& block : batch) block.release();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(resident_kb() < 512 * 1024);
}
