// The harness itself: equal runs, a clean heap found clean, and heaps with planted bugs found broken. Then lease
// and adoption of the real heap under every schedule with few preemptions.
#include <gtest/gtest.h>

#include <vector>

#include "fuzz/explore.h"
#include "fuzz/lanes.h"
#include "fuzz/mutator.h"

namespace masu::fuzz {
namespace {

using Verdict = Scheduler::Verdict;

Input with(std::vector<Operation> operations, uint8_t threads = 2) {
  Input in = decode(nullptr, 0);
  in.threads = threads;
  for (auto& p : in.preemptions) p.operation = UINT32_MAX;
  for (const Operation& op : operations) in.operations[in.count++] = op;
  return in;
}

constexpr uint8_t kCode64 = 4 * 9;  // a size code for 64 bytes

// Inputs as a fuzzer makes them, from nothing.
std::vector<uint8_t> grown(unsigned seed) {
  std::vector<uint8_t> bytes(400);
  size_t size = 0;
  for (unsigned i = 0; i < 24; ++i) size = mutate_bytes(bytes.data(), size, bytes.size(), seed * 100 + i);
  bytes.resize(size);
  return bytes;
}

TEST(Session, EveryInputRunsTheSameTwiceOnEveryLane) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    const auto bytes = grown(seed);
    const Input input = decode(bytes.data(), bytes.size());
    for (const NamedLane& lane : kLanes) {
      if (std::string_view(lane.name) == "misuse_at_once") continue;  // see regress/fuzz/open
      const auto first = lane.run(input), second = lane.run(input);
      ASSERT_EQ(first.verdict, Verdict::kDone) << lane.name << ": " << first.reason << "\n" << describe(input);
      ASSERT_EQ(first.hash, second.hash) << lane.name << "\n" << describe(input);
      ASSERT_EQ(first.steps, second.steps) << lane.name;
    }
  }
}

// The model stops at what a broken heap would answer.
class ModelTest : public testing::Test {
 protected:
  void SetUp() override {
    World::get().reset({});
    model_.reset(true);
    memory_ = static_cast<char*>(FaultOs{}.map(8 * World::kUnit, World::kUnit));
  }
  template <class Do>
  std::string stops(Do&& act) {
    model_.reset(true);
    ::masu::fuzz::Bytes calm(nullptr, 0);
    const std::string reason =
        Scheduler::get().run(calm, 1, [](void* f, unsigned) { (*static_cast<Do*>(f))(); }, &act).reason;
    return reason.substr(reason.find(": ") == std::string::npos ? 0 : reason.find(": ") + 2);
  }
  void give(unsigned slot, size_t offset, size_t bytes, size_t usable, bool zeroed = false) {
    model_.allocated(slot, {"malloc", bytes, 1, zeroed}, memory_ + offset, usable);
  }
  Model model_;
  char* memory_ = nullptr;
};

TEST_F(ModelTest, AcceptsWhatIsRight) {
  EXPECT_EQ(stops([&] {
              give(0, 0, 100, 112);
              give(1, 112, 30, 32);
              model_.verify(0, "check");
              model_.freed(0);
              give(2, 0, 48, 48);
              model_.freed(1);
              model_.freed(2);
            }),
            "");
}

TEST_F(ModelTest, StopsAtOverlap) {
  EXPECT_NE(stops([&] { give(0, 0, 100, 112); give(1, 96, 16, 16); }).find("overlaps the live block"), std::string::npos);
}

TEST_F(ModelTest, StopsAtBadAnswers) {
  EXPECT_NE(stops([&] { give(0, 8, 20, 32); }).find("not aligned"), std::string::npos);
  EXPECT_NE(stops([&] { give(0, 16, 32, 32); }).find("not naturally aligned"), std::string::npos);
  EXPECT_NE(stops([&] { give(0, 0, 100, 96); }).find("100 bytes asked, 96 usable"), std::string::npos);
  EXPECT_NE(stops([&] { give(0, 8 * World::kUnit - 16, 20, 32); }).find("not all the heap's memory"), std::string::npos);
  memory_[35] = 1;
  EXPECT_NE(stops([&] { give(0, 0, 40, 48, true); }).find("byte 35 of 40"), std::string::npos);
}

TEST_F(ModelTest, StopsWhereContentsChange) {
  for (const size_t at : {0u, 7u, 50u, 103u}) {
    EXPECT_NE(stops([&] {
                give(0, 0, 100, 104);
                memory_[at] = static_cast<char>(memory_[at] ^ 1);
                model_.freed(0);
              }).find("was changed at byte"),
              std::string::npos);
  }
}

TEST_F(ModelTest, StopsWhereReallocLosesContents) {
  EXPECT_NE(stops([&] {
              give(0, 0, 100, 112);
              const Block old = model_.suspend(0);
              std::memcpy(memory_ + 1024, memory_, 50);
              model_.moved(0, old, 80, memory_ + 1024, 80);
            }).find("after realloc"),
            std::string::npos);
}

// Lease and adoption. Every schedule with at most so many preemptions is run.
ExploreResult explore_heap(const Input& input, unsigned preemptions, unsigned from = 0) {
  return explore(
      preemptions, [&](Strategy& strategy) { return Session<ScheduledLane>(input).run(strategy); }, false, 1, from);
}

// Under three preemptions and three threads, and by the weak model: one holder at a time, who sees what the last
// one did.
template <class Lane>
struct LeaseKernel {
  Owner<Lane>& owner;
  WeakVar<uint64_t> guarded{0};
  typename Lane::Sync::template Atomic<uint32_t> leases{0};

  void body(unsigned thread) {
    for (unsigned i = 0; i < 2; ++i) {
      if (!owner.try_lease(thread + 1)) continue;
      guarded.set(guarded.get() + 1);
      if (owner.holder() != thread + 1) Scheduler::get().stop("two holders");
      owner.end_lease();
      leases.fetch_add(1, std::memory_order_relaxed);
    }
  }
};

template <class Lane>
ExploreResult explore_lease(unsigned threads) {
  alignas(Owner<Lane>) static unsigned char memory[sizeof(Owner<Lane>)];
  std::memset(memory, 0, sizeof memory);
  return explore(
      3,
      [&](Strategy& strategy) {
        LeaseKernel<Lane> kernel{*new (memory) Owner<Lane>};
        auto result = Scheduler::get().run(
            strategy, threads, [](void* k, unsigned t) { static_cast<LeaseKernel<Lane>*>(k)->body(t); }, &kernel);
        if (result.verdict == Verdict::kDone && kernel.guarded.get() != kernel.leases.load(std::memory_order_relaxed)) {
          result.verdict = Verdict::kStopped;
          result.reason = "a holder did not see what the last one did";
        }
        return result;
      },
      false, 1);
}

TEST(ExhaustiveLease, HasOneHolderAtATimeAndOrdersThem) {
  for (unsigned threads = 2; threads <= 3; ++threads) {
    const auto result = explore_lease<WeakLane>(threads);
    EXPECT_EQ(result.failures, 0u) << result.reason;
    EXPECT_GT(result.runs, 500u);
  }
}

TEST(ExhaustiveHeap, ARemoteFreeMeetsItsOwner) {
  const auto result = explore_heap(with({{0, Kind::kMalloc, 0, kCode64, 0},
                                         {1, Kind::kFree, 0, 0, 0},
                                         {1, Kind::kFlush, 0, 0, 0},
                                         {0, Kind::kMalloc, 1, kCode64, 0}}),
                                   2);
  EXPECT_EQ(result.failures, 0u) << result.reason;
  EXPECT_GT(result.runs, 500u);
}

// Adoption, with three preemptions: a thread leaves, another frees its block, and it or a third one takes the owner over.
// The first malloc only prepares: it is not disturbed.
TEST(ExhaustiveHeap, AThreadAdoptsWhatItFreedInto) {
  const auto result = explore_heap(with({{0, Kind::kMalloc, 0, kCode64, 0},
                                         {0, Kind::kExit, 0, 0, 0},
                                         {1, Kind::kFree, 0, 0, 0},
                                         {1, Kind::kMalloc, 1, kCode64, 0}}),
                                   3, 1);
  EXPECT_EQ(result.failures, 0u) << result.reason;
  EXPECT_GT(result.runs, 5000u);
}

TEST(ExhaustiveHeap, ANewThreadAdoptsWhileAnotherFrees) {
  const auto result = explore_heap(with({{0, Kind::kMalloc, 0, kCode64, 0},
                                         {0, Kind::kExit, 0, 0, 0},
                                         {1, Kind::kFree, 0, 0, 0},
                                         {2, Kind::kMalloc, 1, kCode64, 0}},
                                        3),
                                   3, 1);
  EXPECT_EQ(result.failures, 0u) << result.reason;
  EXPECT_GT(result.runs, 400000u);
}

TEST(ExhaustiveHeap, TrimLeasesAnOwnerThatIsBeingAdopted) {
  const auto result = explore_heap(with({{0, Kind::kMalloc, 0, kCode64, 0},
                                         {0, Kind::kExit, 0, 0, 0},
                                         {0, Kind::kTrim, 0, 0, 0},
                                         {1, Kind::kMalloc, 1, kCode64, 0}}),
                                   2);
  EXPECT_EQ(result.failures, 0u) << result.reason;
  EXPECT_GT(result.runs, 500u);
}

// An owner whose thread was between two stores when another forked: its bin and its slabs both have the block.
TEST(ExhaustiveHeap, AForkFindsAnotherThreadBetweenTwoStores) {
  constexpr uint8_t kCode8192 = 4 * 40;
  const auto result = explore_heap(with({{0, Kind::kMallocMany, 0, kCode8192, 7},
                                         {0, Kind::kMallocMany, 8, kCode8192, 7},
                                         {0, Kind::kFreeMany, 0, 0, 7},
                                         {0, Kind::kFreeMany, 8, 0, 7},
                                         {0, Kind::kFlush, 0, 0, 0},
                                         {1, Kind::kForkChild, 0, 0, 0},
                                         {1, Kind::kMallocMany, 0, kCode8192, 7},
                                         {1, Kind::kMallocMany, 8, kCode8192, 7}}),
                                   1);
  EXPECT_EQ(result.failures, 0u) << result.reason;
  EXPECT_GT(result.runs, 100u);
}

// Two threads free a third one's run, the second wherever the first can be interrupted: one of them does, the other is
// told, and nobody gets the run twice. Both have use for the class, so that each would keep it in its bin.
TEST(Session, ARunFreedTwiceAtOnceIsFreedOnce) {
  constexpr uint8_t kCode12288 = 4 * 43;
  Input input = with({{1, Kind::kMalloc, 1, kCode12288, 0},
                      {2, Kind::kMalloc, 2, kCode12288, 0},
                      {0, Kind::kMalloc, 0, kCode12288, 0},
                      {1, Kind::kFree, 0, 0, 0},
                      {2, Kind::kDoubleFree, 0, 0, 0},
                      {2, Kind::kStats, 0, 0, 0},  // the preemption ends here, before a new use of the block
                      {1, Kind::kMalloc, 3, kCode12288, 0},
                      {2, Kind::kMalloc, 4, kCode12288, 0}},
                     3);
  uint64_t last = 0, schedules = 0;
  for (unsigned yield = 0; yield < 48; ++yield) {
    input.preemptions[0] = {3, yield, 2, 1};
    const auto result = run_on<MisuseAtOnceLane>(input);
    EXPECT_EQ(result.verdict, Verdict::kDone) << "at " << yield << ": " << result.reason;
    schedules += result.hash != last;
    last = result.hash;
  }
  EXPECT_GT(schedules, 10u);
}

}  // namespace
}  // namespace masu::fuzz
