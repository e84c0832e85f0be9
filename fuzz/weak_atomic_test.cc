// Litmus tests: every outcome of small programs, by exhaustive exploration. What C++20 forbids never occurs; what
// it allows does occur, but for what weak_model.h says it leaves out.
#include "fuzz/weak_atomic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "fuzz/explore.h"

namespace masu::fuzz {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using Order = std::memory_order;
constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto seq_cst = std::memory_order_seq_cst;

// x, y: the atomics; r: what the threads read; data: a plain variable.
struct Program {
  WeakAtomic<int> x{0}, y{0};
  WeakVar<int> data{0};
  int r[4] = {-1, -1, -1, -1};
};
using Threads = std::vector<std::function<void(Program&)>>;

// All values that r[0..n) can take, as digits ('-' for not read); or what stopped the run.
std::set<std::string> outcomes(const Threads& threads, unsigned n, bool finals = false) {
  std::set<std::string> all;
  explore(
      20,
      [&](Strategy& strategy) {
        Program program;
        std::pair<const Threads*, Program*> pair{&threads, &program};
        auto result = Scheduler::get().run(
            strategy, static_cast<unsigned>(threads.size()),
            [](void* p, unsigned t) {
              auto* both = static_cast<decltype(pair)*>(p);
              (*both->first)[t](*both->second);
            },
            &pair);
        std::string line;
        for (unsigned i = 0; i < n; ++i) line += program.r[i] < 0 ? '-' : static_cast<char>('0' + program.r[i]);
        if (finals) line += " " + std::to_string(program.x.load(relaxed)) + std::to_string(program.y.load(relaxed));
        if (result.verdict != Scheduler::Verdict::kDone) line = result.reason;
        all.insert(line);
        result.verdict = Scheduler::Verdict::kDone;
        return result;
      },
      false);
  return all;
}

Threads message_passing(Order publish, Order look) {
  return {[=](Program& p) { p.x.store(1, relaxed); p.y.store(1, publish); },
          [=](Program& p) { p.r[0] = p.y.load(look); p.r[1] = p.x.load(relaxed); }};
}

TEST(Litmus, MessagePassing) {
  EXPECT_THAT(outcomes(message_passing(release, acquire), 2), ElementsAre("00", "01", "11"));
  EXPECT_THAT(outcomes(message_passing(relaxed, acquire), 2), ElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(outcomes(message_passing(release, relaxed), 2), ElementsAre("00", "01", "10", "11"));
}

Threads store_buffering(Order order) {
  const Order look = order == release ? acquire : order;
  return {[=](Program& p) { p.x.store(1, order); p.r[0] = p.y.load(look); },
          [=](Program& p) { p.y.store(1, order); p.r[1] = p.x.load(look); }};
}

TEST(Litmus, StoreBuffering) {
  EXPECT_THAT(outcomes(store_buffering(relaxed), 2), Contains("00"));
  EXPECT_THAT(outcomes(store_buffering(release), 2), Contains("00"));
  EXPECT_THAT(outcomes(store_buffering(seq_cst), 2), ElementsAre("01", "10", "11"));
}

Threads iriw(Order store, Order load) {
  return {[=](Program& p) { p.x.store(1, store); },
          [=](Program& p) { p.y.store(1, store); },
          [=](Program& p) { p.r[0] = p.x.load(load); p.r[1] = p.y.load(load); },
          [=](Program& p) { p.r[2] = p.y.load(load); p.r[3] = p.x.load(load); }};
}

TEST(Litmus, IndependentReadsOfIndependentWrites) {
  EXPECT_THAT(outcomes(iriw(release, acquire), 4), Contains("1010"));
  EXPECT_THAT(outcomes(iriw(seq_cst, seq_cst), 4), Not(Contains("1010")));
}

TEST(Litmus, LoadBufferingIsLeftOut) {
  const Threads threads{[](Program& p) { p.r[0] = p.x.load(relaxed); p.y.store(1, relaxed); },
                        [](Program& p) { p.r[1] = p.y.load(relaxed); p.x.store(1, relaxed); }};
  EXPECT_THAT(outcomes(threads, 2), ElementsAre("00", "01", "10"));
}

TEST(Litmus, CoherenceOfReads) {
  const Threads threads{[](Program& p) { p.x.store(1, relaxed); p.x.store(2, relaxed); },
                        [](Program& p) { p.r[0] = p.x.load(relaxed); p.r[1] = p.x.load(relaxed); }};
  EXPECT_THAT(outcomes(threads, 2), ElementsAre("00", "01", "02", "11", "12", "22"));
}

TEST(Litmus, CoherenceOfAReadAfterTheThreadsOwnWrite) {
  const Threads threads{[](Program& p) { p.x.store(1, relaxed); p.r[0] = p.x.load(relaxed); },
                        [](Program& p) { p.x.store(2, relaxed); }};
  EXPECT_THAT(outcomes(threads, 1), ElementsAre("1", "2"));
}

// What one has read and told another of, the other cannot unsee (read-read coherence through happens-before).
TEST(Litmus, WriteToReadCausality) {
  auto threads = [](Order tell, Order hear) {
    return Threads{[](Program& p) { p.x.store(1, relaxed); },
                   [=](Program& p) { p.r[0] = p.x.load(relaxed); p.y.store(1, tell); },
                   [=](Program& p) { p.r[1] = p.y.load(hear); p.r[2] = p.x.load(relaxed); }};
  };
  EXPECT_THAT(outcomes(threads(release, acquire), 3), Not(Contains("110")));
  EXPECT_THAT(outcomes(threads(relaxed, acquire), 3), Contains("110"));
}

TEST(Litmus, ReadModifyWriteIsAtomic) {
  const Threads threads{[](Program& p) { p.r[0] = p.x.fetch_add(1, relaxed); },
                        [](Program& p) { p.r[1] = p.x.fetch_add(1, relaxed); }};
  EXPECT_THAT(outcomes(threads, 2, true), ElementsAre("01 20", "10 20"));
}

TEST(Litmus, OneCompareExchangeWins) {
  auto take = [](Program& p, int who) {
    int none = 0;
    p.r[who] = p.x.compare_exchange_strong(none, who + 1, acquire, relaxed) ? 1 : 0;
  };
  const Threads threads{[=](Program& p) { take(p, 0); }, [=](Program& p) { take(p, 1); }};
  EXPECT_THAT(outcomes(threads, 2), ElementsAre("01", "10"));
}

// A read-modify-write continues a release sequence, whatever its order and thread; a plain store ends it.
TEST(Litmus, ReleaseSequences) {
  auto threads = [](std::function<void(Program&)> between) {
    return Threads{[](Program& p) { p.data.set(1); p.x.store(1, release); }, std::move(between),
                   [](Program& p) {
                     p.r[0] = p.x.load(acquire);
                     if (p.r[0] == 3) p.r[1] = p.data.get();
                   }};
  };
  auto exchange = [](Program& p) {
    int one = 1;
    p.x.compare_exchange_strong(one, 3, relaxed, relaxed);
  };
  auto store = [](Program& p) {
    if (p.x.load(relaxed) == 1) p.x.store(3, relaxed);
  };
  EXPECT_THAT(outcomes(threads(exchange), 2), ElementsAre("0-", "1-", "31"));
  EXPECT_THAT(outcomes(threads(store), 2), Contains("a data race"));
}

// C++20: a thread's own later relaxed store is not part of the release sequence either.
TEST(Litmus, APlainStoreEndsTheReleaseSequence) {
  const Threads threads{[](Program& p) { p.x.store(1, relaxed); p.y.store(1, release); p.y.store(2, relaxed); },
                        [](Program& p) { p.r[0] = p.y.load(acquire); p.r[1] = p.x.load(relaxed); }};
  EXPECT_THAT(outcomes(threads, 2), Contains("20"));
  EXPECT_THAT(outcomes(threads, 2), Not(Contains("10")));
}

TEST(Litmus, PlainDataNeedsReleaseAndAcquire) {
  auto threads = [](Order publish, Order look) {
    return Threads{[=](Program& p) { p.data.set(1); p.y.store(1, publish); },
                   [=](Program& p) { if (p.y.load(look) == 1) p.r[0] = p.data.get(); }};
  };
  EXPECT_THAT(outcomes(threads(release, acquire), 1), ElementsAre("-", "1"));
  EXPECT_THAT(outcomes(threads(relaxed, acquire), 1), Contains("a data race"));
  EXPECT_THAT(outcomes(threads(release, relaxed), 1), Contains("a data race"));
}

TEST(Litmus, LocksOrderWhatTheyGuard) {
  struct Guarded {
    SchedMutex<WeakAtomic> mutex{1};
    WeakVar<int> n{0};
  };
  const auto result = explore(
      3,
      [](Strategy& strategy) {
        Guarded g;
        return Scheduler::get().run(
            strategy, 3,
            [](void* p, unsigned) {
              auto& guarded = *static_cast<Guarded*>(p);
              guarded.mutex.lock();
              guarded.n.set(guarded.n.get() + 1);
              guarded.mutex.unlock();
            },
            &g);
      },
      false);
  EXPECT_EQ(result.failures, 0u) << result.reason;
  EXPECT_GT(result.runs, 100u);
}

}  // namespace
}  // namespace masu::fuzz
