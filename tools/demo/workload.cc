// The demonstration's workload: threads that make, hand over, resize and free blocks of many sizes, each
// block filled with a pattern that its last owner checks.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int kThreads = 4;
constexpr int kBlocks = 200'000;

struct Block {
  unsigned char* data;
  size_t size;
};

// Each thread frees what its neighbour made.
class Handover {
 public:
  void give(Block block) {
    const std::lock_guard guard(mutex_);
    blocks_.push_back(block);
  }
  std::vector<Block> take() {
    const std::lock_guard guard(mutex_);
    return std::exchange(blocks_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Block> blocks_;
};

Handover mailbox[kThreads];

unsigned char pattern(size_t size) { return static_cast<unsigned char>(size * 31 + 7); }

bool check_and_free(Block block) {
  const bool good = block.data[0] == pattern(block.size) && block.data[block.size - 1] == pattern(block.size);
  std::free(block.data);
  return good;
}

void work(int self, uint64_t& damaged, uint64_t& bytes) {
  std::mt19937 random(static_cast<unsigned>(self) + 1);
  std::vector<Block> live;
  for (int i = 0; i < kBlocks; ++i) {
    const size_t size = 1 + random() % (i % 100 == 0 ? 100'000 : 1'000);
    auto* data = static_cast<unsigned char*>(std::malloc(size));
    if (data == nullptr) std::abort();
    std::memset(data, pattern(size), size);
    bytes += size;
    if (i % 3 == 0) {
      mailbox[(self + 1) % kThreads].give({data, size});
    } else {
      live.push_back({data, size});
    }
    if (live.size() > 500) {
      std::swap(live[random() % live.size()], live.back());
      damaged += !check_and_free(live.back());
      live.pop_back();
    }
    if (i % 64 == 0) {
      for (const Block& block : mailbox[self].take()) damaged += !check_and_free(block);
    }
  }
  for (const Block& block : live) damaged += !check_and_free(block);
}

}  // namespace

int main() {
  uint64_t damaged[kThreads] = {}, bytes[kThreads] = {};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i, std::ref(damaged[i]), std::ref(bytes[i]));
  for (std::thread& thread : threads) thread.join();
  uint64_t all_damaged = 0, all_bytes = 0;
  for (int i = 0; i < kThreads; ++i) {
    for (const Block& block : mailbox[i].take()) all_damaged += !check_and_free(block);
    all_damaged += damaged[i];
    all_bytes += bytes[i];
  }
  std::printf(
      "%d threads made and freed %d blocks, %llu MiB, a third of them for another thread; %llu damaged\n",
      kThreads, kThreads * kBlocks, static_cast<unsigned long long>(all_bytes >> 20),
      static_cast<unsigned long long>(all_damaged));
  return all_damaged == 0 ? 0 : 1;
}
