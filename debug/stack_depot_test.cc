#include "debug/stack_depot.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <ucontext.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace masu::debug {
namespace {

using Stack = std::vector<uintptr_t>;

class Depot : public ::testing::Test {
 protected:
  bool init(size_t bytes) {
    return depot_.init(bytes, [this](size_t size) {
      memory_.reset(std::calloc(1, size));
      return memory_.get();
    });
  }
  StackDepot::StackId put(const Stack& stack) { return depot_.put(stack.data(), stack.size()); }
  Stack get(StackDepot::StackId id) const {
    const StackDepot::Frames frames = depot_.get(id);
    return {frames.sites, frames.sites + frames.count};
  }

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::unique_ptr<void, Free> memory_;
  StackDepot depot_;
};

// The n-th of many different stacks, with shared outer frames as real ones have.
Stack stack_number(uintptr_t n) {
  Stack stack;
  for (uintptr_t i = 0; i <= n % 30; ++i) stack.push_back(0x55550000 + n * 16 + i);
  stack.push_back(0x7f0000001000);
  return stack;
}

TEST_F(Depot, IsUsableBeforeInitAndRefusesTooLittle) {
  EXPECT_EQ(put({1, 2, 3}), 0u);
  EXPECT_TRUE(get(5).empty());
  EXPECT_FALSE(init(100));
  EXPECT_FALSE(depot_.init(1 << 20, [](size_t) { return nullptr; }));
  EXPECT_EQ(put({1, 2, 3}), 0u);
}

TEST_F(Depot, GivesEqualStacksOneIdAndReturnsThem) {
  ASSERT_TRUE(init(1 << 22));
  std::map<StackDepot::StackId, Stack> stored;
  for (uintptr_t n = 0; n < 10000; ++n) {
    const StackDepot::StackId id = put(stack_number(n));
    ASSERT_NE(id, 0u);
    ASSERT_TRUE(stored.emplace(id, stack_number(n)).second);
  }
  const size_t used = depot_.used_bytes();
  EXPECT_GE(used, stored.size() * sizeof(uintptr_t)) << "each has a frame of its own at least";
  for (const auto& [id, stack] : stored) {
    EXPECT_EQ(get(id), stack);
    EXPECT_EQ(put(stack), id);
  }
  EXPECT_EQ(depot_.used_bytes(), used);
}

TEST_F(Depot, CutsLongStacksAndKnowsNoEmptyOne) {
  ASSERT_TRUE(init(1 << 16));
  const Stack longest(1000, 7);
  EXPECT_EQ(get(put(longest)), Stack(StackDepot::kMaxFrames, 7));
  EXPECT_EQ(put({}), 0u);
}

TEST_F(Depot, ReturnsUnknownWhenFullAndKeepsWhatItHas) {
  ASSERT_TRUE(init(4096));
  std::map<StackDepot::StackId, Stack> stored;
  uintptr_t n = 0;
  for (StackDepot::StackId id; (id = put(stack_number(n))) != 0; ++n) stored[id] = stack_number(n);
  EXPECT_GT(stored.size(), 5u);
  EXPECT_LE(depot_.used_bytes(), depot_.capacity_bytes());
  EXPECT_EQ(put(stack_number(n)), 0u);
  for (const auto& [id, stack] : stored) {
    EXPECT_EQ(get(id), stack);
    EXPECT_EQ(put(stack), id);
  }
}

TEST_F(Depot, DoubtsMadeUpIds) {
  ASSERT_TRUE(init(1 << 16));
  std::set<StackDepot::StackId> ids;
  for (uintptr_t n = 0; n < 100; ++n) ids.insert(put(stack_number(n)));
  for (StackDepot::StackId id = 0; id < (1 << 14); ++id) {
    if (ids.count(id) == 0) {
      EXPECT_TRUE(get(id).empty()) << id;
    }
  }
  EXPECT_TRUE(get(~StackDepot::StackId{0}).empty());
}

// All threads insert the same stacks in different orders: one id each, whoever was first.
TEST_F(Depot, ThreadsAgreeOnIds) {
  ASSERT_TRUE(init(1 << 24));
  constexpr size_t kThreads = 4;
  constexpr uintptr_t kStacks = 5000;
  std::vector<std::vector<StackDepot::StackId>> ids(kThreads, std::vector<StackDepot::StackId>(kStacks));
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uintptr_t i = 0; i < kStacks; ++i) {
        const uintptr_t n = t % 2 == 0 ? i : kStacks - 1 - i;
        ids[t][n] = put(stack_number(n));
        if (get(ids[t][n]) != stack_number(n)) ids[t][n] = 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::set<StackDepot::StackId> distinct(ids[0].begin(), ids[0].end());
  EXPECT_EQ(distinct.size(), kStacks);
  EXPECT_EQ(distinct.count(0), 0u);
  for (size_t t = 1; t < kThreads; ++t) EXPECT_EQ(ids[t], ids[0]);
}

// put() is single-stepped, and at its k-th instruction a signal handler puts the same stack, for every k:
// both get the same id. What a handler may do between two instructions, another thread may do too.
StackDepot* g_depot;
const Stack* g_stack;
StackDepot::StackId g_from_handler;
unsigned g_steps_left;
unsigned g_steps;

void on_step(int, siginfo_t*, void* context) {
  ++g_steps;
  if (--g_steps_left != 0) return;
  g_from_handler = g_depot->put(g_stack->data(), g_stack->size());
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~0x100;
}

TEST_F(Depot, AgreesWithAHandlerThatInterruptsAnyInstruction) {
  if (dlsym(RTLD_DEFAULT, "__tsan_init") != nullptr || dlsym(RTLD_DEFAULT, "__asan_init") != nullptr) {
    GTEST_SKIP() << "sanitizers defer signals or take many more instructions";
  }
  ASSERT_TRUE(init(1 << 22));
  struct sigaction action = {};
  action.sa_sigaction = on_step;
  action.sa_flags = SA_SIGINFO;
  ASSERT_EQ(sigaction(SIGTRAP, &action, nullptr), 0);
  g_depot = &depot_;
  for (unsigned k = 1;; ++k) {
    const Stack stack(5, 0x1000 + k);
    g_stack = &stack;
    g_steps_left = k;
    g_from_handler = 0;
    asm volatile("pushfq; orq $0x100, (%%rsp); popfq" : : : "memory", "cc");
    const StackDepot::StackId id = put(stack);
    asm volatile("pushfq; andq $~0x100, (%%rsp); popfq" : : : "memory", "cc");
    if (g_steps_left != 0) break;  // stepped to the end before the k-th instruction
    ASSERT_EQ(id, g_from_handler) << "at instruction " << k;
  }
  EXPECT_GT(g_steps, 1000u);
}

}  // namespace
}  // namespace masu::debug
