// The reference is libgcc's unwinder, which reads the same tables with other code.
#include "debug/unwind/unwinder.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "machine.h"

namespace masu::debug {
namespace {

constexpr size_t kMax = 128;
Unwinder g_unwinder;
thread_local StackBounds t_bounds;
thread_local WalkMemo t_memo;

// A vector that may be filled inside a signal handler.
struct Sites {
  using value_type = uintptr_t;
  using const_iterator = const uintptr_t*;

  uintptr_t sites[kMax] = {};
  size_t count = 0;

  size_t size() const { return count; }
  const uintptr_t* begin() const { return sites; }
  const uintptr_t* end() const { return sites + count; }
  void push_back(uintptr_t site) {
    if (count < kMax) sites[count++] = site;
  }
  void drop_first() { std::copy(sites + 1, sites + count--, sites); }
  bool operator==(const Sites& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }
  bool ends_with(const Sites& tail) const {
    return tail.count <= count && std::equal(tail.begin(), tail.end(), end() - tail.count);
  }
};

_Unwind_Reason_Code add_site(_Unwind_Context* context, void* sites) {
  int before = 0;
  const uintptr_t pc = _Unwind_GetIPInfo(context, &before);
  if (pc != 0) static_cast<Sites*>(sites)->push_back(before != 0 ? pc : pc - 1);
  return _URC_NO_REASON;
}

// Both stacks begin with the caller of this function.
struct Stacks {
  Sites ours;
  Sites reference;
};

[[gnu::noinline]] Stacks both() {
  Stacks stacks;
  stacks.ours.count = g_unwinder.walk(caller_frame(), t_bounds, t_memo, stacks.ours.sites, kMax);
  Sites plain;
  plain.count = g_unwinder.walk(caller_frame(), t_bounds, plain.sites, kMax);
  if (!(plain == stacks.ours)) stacks.ours.count = 0;  // no test takes an empty stack for right
  _Unwind_Backtrace(add_site, &stacks.reference);
  stacks.reference.drop_first();  // this function
  return stacks;
}

void expect_equal(const Stacks& stacks, size_t least) {
  EXPECT_GE(stacks.ours.size(), least);
  EXPECT_THAT(stacks.ours, ::testing::ElementsAreArray(stacks.reference.begin(), stacks.reference.end()));
}

[[gnu::noinline]] Stacks recurse(unsigned depth) {
  char room[200];
  asm volatile("" : : "r"(room) : "memory");
  Stacks stacks = depth == 0 ? both() : recurse(depth - 1);
  asm volatile("" : : "r"(room) : "memory");
  return stacks;
}

TEST(Unwinder, WalksRecursionColdAndWarm) {
  g_unwinder.forget();
  expect_equal(recurse(40), 40);
  expect_equal(recurse(40), 40);
}

TEST(Unwinder, StopsAtTheRequestedDepth) {
  uintptr_t frames[8] = {};
  EXPECT_EQ(g_unwinder.walk(caller_frame(), t_bounds, frames, 3), 3u);
  EXPECT_EQ(frames[3], 0u);
  EXPECT_EQ(g_unwinder.walk(caller_frame(), t_bounds, frames, 0), 0u);
}

// Frames of several sizes and call sites, in any order: what the previous walk left must never show through.
[[gnu::noinline]] void wander(unsigned depth, std::mt19937& random, size_t& wrong, size_t& walks) {
  auto* room = static_cast<char*>(__builtin_alloca(16 + random() % 3 * 64));
  asm volatile("" : : "r"(room) : "memory");
  for (unsigned turn = random() % 4; turn != 0; --turn) {
    const Stacks stacks = both();
    wrong += !(stacks.ours == stacks.reference);
    ++walks;
    if (depth == 0) continue;
    if (random() % 2 == 0) {
      wander(depth - 1, random, wrong, walks);
      asm volatile("" : : : "memory");
    } else {
      wander(depth - 1, random, wrong, walks);
      asm volatile("" : : : "memory");
    }
  }
  asm volatile("" : : "r"(room) : "memory");
}

TEST(Unwinder, TheMemoOfAnotherShapeNeverShowsThrough) {
  std::mt19937 random(7);
  size_t wrong = 0, walks = 0;
  while (walks < 20000) wander(random() % 60, random, wrong, walks);
  EXPECT_EQ(wrong, 0u);
}

Stacks g_from_callback;

int compare(const void*, const void*) {
  g_from_callback = both();
  return 0;
}

TEST(Unwinder, WalksThroughLibc) {
  int pair[2] = {1, 2};
  qsort(pair, 2, sizeof(int), compare);
  expect_equal(g_from_callback, 5);
}

TEST(Unwinder, WalksThreads) {
  Stacks stacks;
  std::thread([&] { stacks = recurse(5); }).join();
  expect_equal(stacks, 8);
}

// Realigned frames and frames of variable size: the CFA is not at a constant offset from the stack pointer.
[[gnu::noinline]] Stacks variable(size_t bytes) {
  struct alignas(64) Wide {
    char data[64];
  } wide;
  auto* room = static_cast<char*>(__builtin_alloca(bytes));
  asm volatile("" : : "r"(room), "r"(&wide) : "memory");
  Stacks stacks = both();
  asm volatile("" : : "r"(room), "r"(&wide) : "memory");
  return stacks;
}

TEST(Unwinder, WalksRealignedAndHugeFrames) {
  expect_equal(variable(100), 5);
  expect_equal(variable(3 << 20), 5);
}

Stacks g_from_signal;
Sites g_from_context;

void on_signal(int, siginfo_t*, void* context) {
  g_from_signal = both();
  g_from_context.count = g_unwinder.walk_context(context, t_bounds, g_from_context.sites, kMax);
}

void handle(int signal, int flags) {
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | flags;
  ASSERT_EQ(sigaction(signal, &action, nullptr), 0);
}

TEST(Unwinder, WalksOutOfSignalHandlers) {
  handle(SIGUSR1, 0);
  raise(SIGUSR1);
  expect_equal(g_from_signal, 6);
  // The walk from the context is the tail of the walk from the handler.
  EXPECT_GE(g_from_context.size(), 4u);
  EXPECT_TRUE(g_from_signal.ours.ends_with(g_from_context));
}

TEST(Unwinder, WalksFromAlternateStacksToTheInterruptedOne) {
  std::vector<char> room(1 << 16);
  stack_t alternate = {};
  alternate.ss_sp = room.data();
  alternate.ss_size = room.size();
  ASSERT_EQ(sigaltstack(&alternate, nullptr), 0);
  handle(SIGUSR2, SA_ONSTACK);
  raise(SIGUSR2);
  alternate.ss_flags = SS_DISABLE;
  sigaltstack(&alternate, nullptr);
  expect_equal(g_from_signal, 6);
  EXPECT_GE(g_from_context.size(), 4u);
  EXPECT_TRUE(g_from_signal.ours.ends_with(g_from_context));
}

// Saves the frame pointer and uses the register for something else, as compilers do. Like gcc it does not say that
// after the pop the register holds it again.
asm(R"(
  .pushsection .text
  .type call_without_frame_pointer, @function
call_without_frame_pointer:
  .cfi_startproc
  push %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbp, 0
  mov $1, %ebp
  call *%rdi
  pop %rbp
  .cfi_adjust_cfa_offset -8
  ret
  .cfi_endproc
  .size call_without_frame_pointer, . - call_without_frame_pointer
  .popsection)");
extern "C" void call_without_frame_pointer(void (*function)());

Stacks g_stacks;

// Room of two sizes, the same in all: the innermost frames lie where they lay before, the others elsewhere.
[[gnu::noinline]] void inner(size_t room, bool clobber) {
  asm volatile("" : : "r"(__builtin_alloca(room)) : "memory");
  if (clobber) {
    call_without_frame_pointer([] { g_stacks = both(); });
  } else {
    g_stacks = both();
  }
  asm volatile("" : : : "memory");
}

[[gnu::noinline]] void outer(size_t outer_room, size_t inner_room, bool clobber) {
  asm volatile("" : : "r"(__builtin_alloca(outer_room)) : "memory");
  inner(inner_room, clobber);
  asm volatile("" : : : "memory");
}

TEST(Unwinder, TheMemoComparesFramePointers) {
  for (const bool clobber : {false, true}) {
    for (const size_t room : {0, 256, 512, 768, 1024}) {
      outer(room, 1024 - room, clobber);
      expect_equal(g_stacks, 6);
    }
  }
}

// Every instruction of a function, prologue and epilogue included, single-stepped: from all of them the same
// two callers must be found, the second by the frame pointer of the first.
Sites g_stepped_callers[2];

void on_step(int, siginfo_t*, void* context) {
  uintptr_t frames[3];
  const size_t count = g_unwinder.walk_context(context, t_bounds, frames, 3);
  const auto begin = reinterpret_cast<uintptr_t>(&call_without_frame_pointer);
  if (count != 3 || frames[0] < begin || frames[0] >= begin + 10) return;  // ten bytes up to and with the ret
  g_stepped_callers[0].push_back(frames[1]);
  g_stepped_callers[1].push_back(frames[2]);
}

[[gnu::noinline]] void step_through(size_t room) {
  asm volatile("" : : "r"(__builtin_alloca(room)) : "memory");
  asm volatile("pushfq; orq $0x100, (%%rsp); popfq" : : : "memory", "cc");
  call_without_frame_pointer([] {});
  asm volatile("pushfq; andq $~0x100, (%%rsp); popfq" : : : "memory", "cc");
}

TEST(Unwinder, FindsTheCallersFromEveryInstruction) {
  struct sigaction action = {};
  action.sa_sigaction = on_step;
  action.sa_flags = SA_SIGINFO;
  ASSERT_EQ(sigaction(SIGTRAP, &action, nullptr), 0);
  step_through(100);
  for (const Sites& callers : g_stepped_callers) {
    ASSERT_EQ(callers.size(), 5u);  // push, mov, call, pop, ret
    for (const uintptr_t caller : callers) EXPECT_EQ(caller, callers.sites[0]);
  }
}

ucontext_t g_main_context, g_fibre_context;
Stacks g_from_fibre;

void fibre() { g_from_fibre = recurse(3); }

TEST(Unwinder, WalksFibresAndForgetsTheirStacks) {
  for (int round = 0; round < 3; ++round) {
    constexpr size_t kBytes = 1 << 17;
    void* room = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(room, MAP_FAILED);
    ASSERT_EQ(getcontext(&g_fibre_context), 0);
    g_fibre_context.uc_stack.ss_sp = room;
    g_fibre_context.uc_stack.ss_size = kBytes;
    g_fibre_context.uc_link = &g_main_context;
    makecontext(&g_fibre_context, fibre, 0);
    ASSERT_EQ(swapcontext(&g_main_context, &g_fibre_context), 0);
    munmap(room, kBytes);
    EXPECT_GE(g_from_fibre.ours.size(), 5u);
    EXPECT_TRUE(
        std::equal(g_from_fibre.ours.begin(), g_from_fibre.ours.begin() + 5, g_from_fibre.reference.begin()));
    expect_equal(recurse(3), 8);
  }
}

TEST(Unwinder, SurvivesRegistersThatPointNowhere) {
  uintptr_t frames[kMax];
  char local[64] = {};
  const auto here = reinterpret_cast<uintptr_t>(local);
  const auto code = reinterpret_cast<uintptr_t>(&recurse) + 30;
  for (const uintptr_t pc : {uintptr_t{0}, uintptr_t{1}, uintptr_t{0x123456}, code, ~uintptr_t{0}}) {
    for (const uintptr_t sp :
         {uintptr_t{0}, uintptr_t{8}, here, here + 1, uintptr_t{1} << 46, ~uintptr_t{15}}) {
      for (const uintptr_t fp : {uintptr_t{0}, uintptr_t{1}, here, here + 8, ~uintptr_t{0}, ~uintptr_t{15}}) {
        EXPECT_GE(g_unwinder.walk({pc, sp, fp, true}, t_bounds, frames, kMax), 1u);
      }
    }
  }
}

TEST(Unwinder, FindsTheCallerOfACallThroughNull) {
  uintptr_t stack[2] = {reinterpret_cast<uintptr_t>(&recurse) + 1, 0};
  uintptr_t frames[2];
  const Frame frame{0, reinterpret_cast<uintptr_t>(stack), 0, true};
  ASSERT_EQ(g_unwinder.walk(frame, t_bounds, frames, 2), 2u);
  EXPECT_EQ(frames[1], reinterpret_cast<uintptr_t>(&recurse));
}

// Two libraries with frames of different sizes, one after the other at one address.
TEST(Unwinder, NoticesALibraryInThePlaceOfAnother) {
  using Call = void (*)(void (*)(void*), void*);
  uintptr_t base[2] = {}, site[2] = {};
  const auto unwinder = std::make_unique<Unwinder>();
  for (int i = 0; i < 2; ++i) {
    void* library = dlopen(i == 0 ? UNWIND_TEST_SMALL : UNWIND_TEST_LARGE, RTLD_NOW);
    ASSERT_NE(library, nullptr) << dlerror();
    const auto call = reinterpret_cast<Call>(dlsym(library, "call_back"));
    ASSERT_NE(call, nullptr);
    base[i] = reinterpret_cast<uintptr_t>(call);
    std::pair<Unwinder*, Stacks> state{unwinder.get(), {}};
    call(
        [](void* data) {
          auto& [walker, stacks] = *static_cast<std::pair<Unwinder*, Stacks>*>(data);
          stacks.ours.count = walker->walk(caller_frame(), t_bounds, stacks.ours.sites, kMax);
          _Unwind_Backtrace(add_site, &stacks.reference);
          stacks.reference.drop_first();
        },
        &state);
    expect_equal(state.second, 5);
    for (size_t s = 0; s < state.second.ours.count; ++s) {
      if (state.second.ours.sites[s] - base[i] < 4096) site[i] = state.second.ours.sites[s];
    }
    dlclose(library);
  }
  if (base[0] != base[1]) GTEST_SKIP() << "the loader chose another address";
  // Unoptimized code of both may call from one address with one rule: then the old rule is right and not missed.
  if (site[0] == site[1]) GTEST_SKIP() << "both libraries call from the same place";
  EXPECT_EQ(unwinder->generation(), 1u);
}

TEST(Unwinder, ManyThreadsShareOne) {
  std::atomic<size_t> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 300; ++i) {
        if (t == 0) g_unwinder.forget();
        const Stacks stacks = recurse(i % 20);
        wrong += !(stacks.ours == stacks.reference);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace masu::debug
