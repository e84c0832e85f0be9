#include "sync/real_sync.h"

#include <errno.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace masu {

thread_local constinit void* tls_self = nullptr;

namespace {

TEST(FutexMutex, OneAtATime) {
  FutexMutex mutex(kRankArena);
  int inside = 0, most = 0, sum = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        const Lock guard(mutex);
        most = std::max(most, ++inside);
        if (i % 500 == 0) std::this_thread::yield();  // others come to sleep on it
        ++sum;
        --inside;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(sum, 30000);
}

TEST(FutexMutex, TryLock) {
  FutexMutex mutex(kRankArena);
  EXPECT_TRUE(mutex.try_lock());
  std::thread([&] { EXPECT_FALSE(mutex.try_lock()); }).join();
  mutex.unlock();
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
}

TEST(RealSync, ExitHookRunsInTheThreadThatArmedIt) {
  static std::atomic<int> runs{0};
  static std::atomic<uint64_t> who{0};
  static int heap = 0;
  auto hook = [](void* argument) {
    EXPECT_EQ(argument, &heap);
    who = RealSync::thread_id();
    ++runs;
  };
  uint64_t armed_by = 0;
  for (int times = 1; times <= 2; ++times) {  // the first call makes the key
    std::thread([&] {
      armed_by = RealSync::thread_id();
      errno = 7;
      for (int i = 0; i < times; ++i) RealSync::arm_exit(hook, &heap);
      EXPECT_EQ(errno, 7);
    }).join();
    EXPECT_EQ(runs, times);
    EXPECT_EQ(who, armed_by);
  }
  std::thread([] {}).join();
  EXPECT_EQ(runs, 2) << "a thread that armed nothing";
}

TEST(RealSync, WaitingKeepsErrnoAndEnds) {
  errno = 7;
  RealSync::pause();
  RealSync::yield();
  EXPECT_EQ(errno, 7);
}

TEST(RealSync, EveryThreadHasItsOwnSelf) {
  int mine = 0;
  RealSync::self(0) = &mine;
  std::thread([] { EXPECT_EQ(RealSync::self(0), nullptr); }).join();
  EXPECT_EQ(RealSync::self(0), &mine);
}

}  // namespace
}  // namespace masu
