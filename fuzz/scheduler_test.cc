#include "fuzz/scheduler.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "fuzz/sched_sync.h"
#include "fuzz/strategy.h"

extern "C" {
[[gnu::weak]] void __tsan_release(void*);
// Races that a test provokes on purpose are counted, not fatal; every other test checks that there was none.
const char* __tsan_default_options() { return "exitcode=0"; }
void __tsan_on_report(void*);
}
static int races = 0;
void __tsan_on_report(void*) { ++races; }

namespace masu::fuzz {
namespace {

using Verdict = Scheduler::Verdict;
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;

Scheduler::Result run(Strategy& strategy, unsigned threads, std::function<void(unsigned)> body) {
  return Scheduler::get().run(
      strategy, threads, [](void* f, unsigned t) { (*static_cast<std::function<void(unsigned)>*>(f))(t); }, &body);
}

class SchedulerTest : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(races, expected_races_); races = 0; }
  int expected_races_ = 0;
};

// Two increments by load and store: correct in sequence, wrong when one comes between the other's halves.
uint64_t lost_update(Strategy& strategy, Scheduler::Result* result) {
  SchedAtomic<uint64_t> n{0};
  *result = run(strategy, 2, [&](unsigned) { n.store(n.load(kRelaxed) + 1, kRelaxed); });
  return n.load(kRelaxed);
}

TEST_F(SchedulerTest, PctFindsALostUpdateOftenEnough) {
  int lost = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    Pct pct(seed % 24, 2, 8, seed);
    Scheduler::Result result;
    lost += lost_update(pct, &result) == 1;
  }
  EXPECT_GE(lost, 1000 / (2 * 8));  // what PCT promises for depth 2 in 8 steps
  EXPECT_LT(lost, 1000);
}

TEST_F(SchedulerTest, EqualInputsGiveEqualHashesAndOthersDiffer) {
  std::set<uint64_t> hashes;
  for (unsigned seed = 0; seed < 200; ++seed) {
    Scheduler::Result first, second;
    Pct a(seed % 24, 3, 8, seed), b(seed % 24, 3, 8, seed);
    lost_update(a, &first);
    lost_update(b, &second);
    EXPECT_EQ(first.hash, second.hash);
    hashes.insert(first.hash);
  }
  EXPECT_GE(hashes.size(), 4u);  // two orders without a preemption, and what lies between
}

TEST_F(SchedulerTest, APreemptionIsAnchoredInItsOperation) {
  for (uint32_t extra = 0; extra < 3; ++extra) {  // operations before it do not move it
    SchedAtomic<uint64_t> n{0};
    Anchored strategy({{7, 2, 1, 0}, {99, 0, 0, 0}, {99, 0, 0, 0}, {99, 0, 0, 0}}, 0);
    auto result = run(strategy, 2, [&](unsigned t) {
      if (t == 0) {
        for (uint32_t i = 0; i < extra; ++i) {
          Scheduler::get().begin_operation(i);
          n.load(kRelaxed);
        }
      }
      Scheduler::get().begin_operation(7 + t);
      n.store(n.load(kRelaxed) + 1, kRelaxed);
    });
    EXPECT_EQ(result.verdict, Verdict::kDone);
    EXPECT_EQ(n.load(kRelaxed), 1u);
  }
}

TEST_F(SchedulerTest, WithoutPreemptionsOperationsRunInOrder) {
  Anchored strategy({{99, 0, 0, 0}, {99, 0, 0, 0}, {99, 0, 0, 0}, {99, 0, 0, 0}}, 0);
  SchedAtomic<uint32_t> done{0};
  run(strategy, 3, [&](unsigned t) {
    for (uint32_t i = t; i < 12; i += 3) {
      Scheduler::get().begin_operation(i);
      if (done.fetch_add(1, kRelaxed) != i) Scheduler::get().stop("out of order");
    }
  });
  EXPECT_EQ(done.load(kRelaxed), 12u);
}

TEST_F(SchedulerTest, CrossedLocksDeadlockInSomeScheduleOnly) {
  int deadlocks = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    SchedMutex<SchedAtomic> a(1), b(1);
    Pct pct(seed % 24, 2, 8, seed);
    auto result = run(pct, 2, [&](unsigned t) {
      auto& first = t == 0 ? a : b;
      auto& second = t == 0 ? b : a;
      first.lock();
      Scheduler::get().ranks_held() = 0;  // this test is about the wait, not the rank
      second.lock();
      second.unlock();
      first.unlock();
    });
    deadlocks += result.verdict == Verdict::kDeadlock;
  }
  EXPECT_GT(deadlocks, 0);
  EXPECT_LT(deadlocks, 200);
}

TEST_F(SchedulerTest, ALockTakenAgainstItsRankStopsTheRun) {
  SchedMutex<SchedAtomic> low(1), high(2);
  Pct pct(0, 2, 8, 0);
  auto result = run(pct, 1, [&](unsigned) {
    high.lock();
    low.lock();
  });
  EXPECT_EQ(result.verdict, Verdict::kStopped);
  EXPECT_STREQ(result.reason, "a lock taken against its rank");
}

TEST_F(SchedulerTest, SpinningForNobodyIsALivelock) {
  SchedAtomic<int> flag{0};
  Pct pct(0, 2, 8, 0);
  auto result = run(pct, 2, [&](unsigned) {
    while (flag.load(kRelaxed) == 0) SchedSync::pause();
  });
  EXPECT_EQ(result.verdict, Verdict::kLivelock);
}

TEST_F(SchedulerTest, WhoPausesLetsTheOtherWork) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    SchedAtomic<int> flag{0};
    Pct pct(seed % 24, 2, 8, seed);
    auto result = run(pct, 3, [&](unsigned t) {
      if (t == 2) return flag.store(1, kRelaxed);
      while (flag.load(kRelaxed) == 0) SchedSync::pause();
    });
    EXPECT_EQ(result.verdict, Verdict::kDone);
    EXPECT_LT(result.steps, 40u);
  }
}

TEST_F(SchedulerTest, LocksExclude) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SchedMutex<SchedAtomic> mutex(1);
    uint64_t n = 0;
    SchedAtomic<int> inside{0};
    Pct pct(seed % 24, 4, 24, seed);
    auto result = run(pct, 3, [&](unsigned) {
      mutex.lock();
      if (inside.exchange(1, kRelaxed) != 0) Scheduler::get().stop("two inside");
      ++n;
      inside.store(0, kRelaxed);
      mutex.unlock();
    });
    ASSERT_EQ(result.verdict, Verdict::kDone) << result.reason;
    ASSERT_EQ(n, 3u);
  }
}

// Under TSan the schedule is sequential, yet a missing release is a race at its line.
void pass_message(std::memory_order publish) {
  alignas(8) SchedAtomic<int> ready{0};
  alignas(8) int message = 0;  // on its own in a shadow word: TSan remembers four accesses of each
  Anchored strategy({{99, 0, 0, 0}, {99, 0, 0, 0}, {99, 0, 0, 0}, {99, 0, 0, 0}}, 0);
  alignas(8) int seen = -1;
  run(strategy, 2, [&](unsigned t) {
    Scheduler::get().begin_operation(t);
    if (t == 0) {
      message = 42;
      ready.store(1, publish);
    } else if (ready.load(kAcquire) == 1) {
      seen = message;
    }
  });
  EXPECT_EQ(seen, 42);
}

TEST_F(SchedulerTest, ReleaseAndAcquireOrderPlainMemory) { pass_message(kRelease); }

TEST_F(SchedulerTest, TsanSeesAMissingRelease) {
  if (__tsan_release == nullptr) GTEST_SKIP() << "built without TSan";
  expected_races_ = 1;
  pass_message(kRelaxed);
}

}  // namespace
}  // namespace masu::fuzz
