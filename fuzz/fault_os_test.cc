#include "fuzz/fault_os.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "fuzz/scheduler.h"
#include "fuzz/strategy.h"
#include "os/os.h"

extern "C" [[gnu::weak]] int __asan_address_is_poisoned(const volatile void* at);

namespace masu::fuzz {
namespace {

static_assert(OsPolicy<FaultOs>);
constexpr size_t kPage = World::kUnit;

class FaultOsTest : public testing::Test {
 protected:
  void SetUp() override { world_.reset({}); }

  // What stops the run that does this; "" where nothing does.
  template <class Do>
  static std::string stops(Do&& act) {
    Bytes calm(nullptr, 0);
    return Scheduler::get().run(calm, 1, [](void* f, unsigned) { (*static_cast<Do*>(f))(); }, &act).reason;
  }

  World& world_ = World::get();
  FaultOs os_;
};

TEST_F(FaultOsTest, FreshMemoryIsZeroEvenWhereItWasUsedBefore) {
  for (int round = 0; round < 3; ++round) {
    auto* p = static_cast<unsigned char*>(os_.map(3 * kPage, 16 * kPage));
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % (16 * kPage), 0u);
    for (size_t i = 0; i < 3 * kPage; ++i) ASSERT_EQ(p[i], 0);
    std::memset(p, 0xa5, 3 * kPage);
    ASSERT_TRUE(os_.purge(p, kPage));
    EXPECT_EQ(p[0], 0);
    EXPECT_EQ(p[kPage], 0xa5);
    os_.unmap(p, 3 * kPage);
    EXPECT_TRUE(world_.empty());
  }
}

TEST_F(FaultOsTest, ReservedMemoryIsPoisonedUntilCommitted) {
  auto* p = static_cast<char*>(os_.reserve(4 * kPage, kPage));
  EXPECT_FALSE(world_.is_committed(reinterpret_cast<uintptr_t>(p), 1));
  ASSERT_TRUE(os_.commit(p + kPage, kPage));
  EXPECT_TRUE(world_.is_committed(reinterpret_cast<uintptr_t>(p) + kPage, kPage));
  EXPECT_EQ(world_.committed_bytes(), kPage);
  if (__asan_address_is_poisoned != nullptr) {
    EXPECT_TRUE(__asan_address_is_poisoned(p));
    EXPECT_FALSE(__asan_address_is_poisoned(p + kPage));
  }
  ASSERT_TRUE(os_.decommit(p + kPage, kPage));
  EXPECT_EQ(world_.committed_bytes(), 0u);
  os_.unmap(p, 4 * kPage);
}

TEST_F(FaultOsTest, CallsFailOnceOrForGood) {
  const auto map = 1u << static_cast<unsigned>(Call::kMap);
  world_.fail(map, 2, false);
  EXPECT_NE(os_.map(kPage, kPage), nullptr);
  EXPECT_EQ(os_.map(kPage, kPage), nullptr);
  EXPECT_NE(os_.map(kPage, kPage), nullptr);
  EXPECT_TRUE(world_.has_failed());
  world_.fail(map, 1, true);
  EXPECT_EQ(os_.map(kPage, kPage), nullptr);
  EXPECT_EQ(os_.map(kPage, kPage), nullptr);
  EXPECT_NE(os_.reserve(kPage, kPage), nullptr);
  world_.heal();
  EXPECT_NE(os_.map(kPage, kPage), nullptr);
}

TEST_F(FaultOsTest, TheBudgetCountsCommittedBytes) {
  world_.set_budget(2 * kPage);
  void* p = os_.map(2 * kPage, kPage);
  EXPECT_NE(p, nullptr);
  EXPECT_EQ(os_.map(kPage, kPage), nullptr);
  os_.unmap(p, 2 * kPage);
  EXPECT_NE(os_.map(kPage, kPage), nullptr);
}

TEST_F(FaultOsTest, ClaimsOnlyWhatNobodyHas) {
  world_.reset({.crowded = true});
  auto* at = reinterpret_cast<char*>(World::kClaims);
  EXPECT_TRUE(os_.claim(at, 16 * kPage));
  EXPECT_FALSE(os_.claim(at, 16 * kPage));
  EXPECT_FALSE(os_.claim(at + 16 * kPage, 16 * kPage));
  os_.unmap(at, 16 * kPage);
}

TEST_F(FaultOsTest, RemapKeepsContents) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    world_.reset({.seed = seed});
    auto* p = static_cast<char*>(os_.map(2 * kPage, kPage));
    std::strcpy(p + kPage, "contents");
    auto* q = static_cast<char*>(os_.remap(p, 2 * kPage, 5 * kPage));
    ASSERT_NE(q, nullptr);
    EXPECT_STREQ(q + kPage, "contents");
    EXPECT_EQ(q[4 * kPage], 0);
    EXPECT_EQ(os_.remap(q, 5 * kPage, kPage), q);
    os_.unmap(q, kPage);
    EXPECT_TRUE(world_.empty());
  }
}

TEST_F(FaultOsTest, NamesWhatIsNotOurs) {
  char* p = static_cast<char*>(os_.map(2 * kPage, kPage));
  EXPECT_EQ(stops([&] { os_.unmap(p, kPage); }), "");
  EXPECT_EQ(stops([&] { os_.unmap(p, kPage); }), "unmap of a range that is not mapped");
  EXPECT_EQ(stops([&] { os_.unmap(p + kPage, kPage); }), "") << "a mapping may go in parts";
  char* a = static_cast<char*>(os_.map(kPage, kPage));
  char* b = static_cast<char*>(os_.map(kPage, kPage));
  EXPECT_EQ(os_.remap(std::min(a, b), 2 * kPage, 3 * kPage), nullptr) << "two mappings side by side";
  EXPECT_EQ(stops([&] { os_.commit(p + 8 * kPage, kPage); }), "commit of a range that is not reserved");
  void* r = os_.reserve(kPage, kPage);
  EXPECT_EQ(stops([&] { os_.purge(r, kPage); }), "purge of a range that is not committed");
}

TEST_F(FaultOsTest, ClockAndRandomRepeat) {
  const uint64_t a = os_.random(), t = os_.now_ms();
  world_.advance(7);
  EXPECT_EQ(os_.now_ms(), t + 7);
  world_.reset({});
  EXPECT_EQ(os_.random(), a);
  EXPECT_EQ(os_.now_ms(), t);
}

}  // namespace
}  // namespace masu::fuzz
