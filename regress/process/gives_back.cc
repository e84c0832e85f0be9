// gives_back SURGE ACTIVITY: what was freed goes back to the system though the program then does only what a thread's caches
// serve. Resident memory of a program that holds 16 MB, before a surge of 300 MB and after it, each after a while of the same
// activity: at most 5 % more.
//   SURGE     small: blocks of 16 to 1,015 bytes; mixed: to 100 KB; large: of 1 MB; threads: mixed, by 8 threads that end;
//             handed: mixed, by 8 threads that stay and do nothing more, while the first frees: not a test, since what such
//             threads cache, and the small blocks sent to them, is out of reach
//   ACTIVITY  bursts: 4,000 blocks every .1 s; busy: all the time; one: a single block after a rest
#include <atomic>
#include <thread>
#include <time.h>

#include "check.h"

namespace {

constexpr size_t kSurge = size_t{300} << 20, kHeld = size_t{16} << 20;
constexpr int kThreads = 8;

struct Link {
  Link* next;
};

// Blocks of so many bytes in all, each written, in a chain through themselves.
Link* take(size_t bytes, size_t least, size_t most, uint64_t seed) {
  Random random(seed);
  Link* chain = nullptr;
  for (size_t have = 0; have < bytes;) {
    const size_t size = least + random.below(most - least + 1);
    Link* block = static_cast<Link*>(hide(malloc(size)));
    CHECK(block != nullptr);
    memset(block, 1, size);
    block->next = chain;
    chain = block;
    have += size;
  }
  return chain;
}
void give(Link* chain) {
  while (chain != nullptr) {
    Link* next = chain->next;
    free(chain);
    chain = next;
  }
}

double now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// 1,500 ms of it, which is three times what freed pages wait for.
void activity(const char* kind) {
  Random random(7);
  auto some = [&random](int bursts) {
    for (int i = 0; i < bursts; ++i) {
      void* blocks[100];
      for (void*& block : blocks) block = hide(malloc(16 + random.below(5000)));
      for (void* block : blocks) free(block);
    }
  };
  const double end = now() + 1.5;
  while (now() < end) {
    if (strcmp(kind, "one") != 0) some(40);
    if (strcmp(kind, "busy") != 0) usleep(100'000);
  }
  if (strcmp(kind, "one") == 0) free(hide(malloc(100)));
}

}  // namespace

int main(int count, char** arguments) {
  CHECK(count == 3);
  const char* surge = arguments[1];
  const char* kind = arguments[2];
  const bool threads = strcmp(surge, "threads") == 0, handed = strcmp(surge, "handed") == 0;
  const bool small = strcmp(surge, "small") == 0, large = strcmp(surge, "large") == 0;
  const size_t least = large ? 1 << 20 : 16, most = small ? 1015 : large ? 1 << 20 : 100'000;

  Link* held = take(kHeld, 16, 1015, 99);
  std::atomic<int> ready{0}, go{0}, taken{0};
  Link* chains[kThreads] = {};
  std::thread workers[kThreads];
  if (threads || handed) {
    for (int t = 0; t < kThreads; ++t) {
      workers[t] = std::thread([&, t] {
        free(hide(malloc(100)));
        ++ready;
        go.wait(0);
        chains[t] = take(kSurge / kThreads, least, most, static_cast<uint64_t>(t) + 1);
        ++taken;
        if (threads) give(chains[t]);
        if (handed) go.wait(1);
      });
    }
    while (ready != kThreads) usleep(1000);
  }
  activity(strcmp(kind, "one") == 0 ? "bursts" : kind);
  const long before = resident_kb();

  if (threads || handed) {
    go = 1;
    go.notify_all();
    while (taken != kThreads) usleep(1000);
    if (handed) {
      for (Link* chain : chains) give(chain);
    } else {
      for (std::thread& worker : workers) worker.join();
    }
  } else {
    chains[0] = take(kSurge, least, most, 1);
    give(chains[0]);
  }
  const long freed = resident_kb();
  activity(kind);
  const long after = resident_kb();
  printf("%s, then %s: %ld KB before, %ld when all was freed, %ld after: %.3f\n", surge, kind, before, freed, after,
         static_cast<double>(after) / static_cast<double>(before));
  go = 2;
  go.notify_all();
  for (std::thread& worker : workers) {
    if (worker.joinable()) worker.join();
  }
  give(held);
  return after * 100 > before * 105 ? 1 : 0;
}
