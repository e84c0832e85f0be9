// The memo of stacks against walks that remember nothing: places and depths that the memo could take for others.
#include "debug/stack_memo.h"

#include <alloca.h>
#include <gtest/gtest.h>

#include <iterator>
#include <memory>
#include <vector>

#include "debug/from.h"

namespace masu::debug {
namespace {

using Stack = std::vector<uintptr_t>;

// Ids are indices of stacks that were walked.
struct Memo {
  Unwinder unwinder;
  StackBounds bounds;
  WalkMemo walks;
  StackMemo stacks;
  std::vector<Stack> all{{}};
  size_t walked = 0, glanced = 0;

  Stack plain(Frame from) {
    uintptr_t frames[StackMemo::kMaxFrames];
    const size_t n = unwinder.walk(from, bounds, frames, 16);
    return {frames, frames + n};
  }
  uint32_t add(const uintptr_t* frames, size_t n) {
    all.emplace_back(frames, frames + n);
    return static_cast<uint32_t>(all.size() - 1);
  }
  uint32_t find(Frame from, bool sampled) {
    return stacks.find(
        from, unwinder, walks, sampled,
        [&](uintptr_t* frames, size_t& count) {
          ++walked;
          count = unwinder.walk(from, bounds, walks, frames, 16);
          return add(frames, count);
        },
        [&](uintptr_t* frames) {
          ++glanced;
          return add(frames, unwinder.walk(from, bounds, frames, 3));
        });
  }
};

std::unique_ptr<Memo> g_memo;
uintptr_t g_place;  // the stack pointer of the last look

// The frames below: this one has a frame pointer, its caller passes its own caller's on, and that one hangs on it.
[[gnu::noinline, gnu::no_sanitize_address]] void look() {
  const Frame from = caller().walk_from();
  g_place = from.sp;
  EXPECT_EQ(g_memo->all[g_memo->find(from, false)], g_memo->plain(from)) << "walked " << g_memo->walked;
}
[[gnu::noinline, gnu::no_sanitize_address]] void passes_on() {
  look();
  asm volatile("");
}
[[gnu::noinline, gnu::no_sanitize_address]] void roomy(size_t room) {
  auto* p = static_cast<volatile char*>(alloca(room + 16));
  p[0] = 1;  // and nothing else of it: what lay there still does
  passes_on();
  p[1] = 2;
}
[[gnu::noinline, gnu::no_sanitize_address]] void detour(size_t) {
  char pad[1024];
  asm volatile("" : : "r"(pad) : "memory");  // all of it is there
  roomy(0);
  asm volatile("" : : "r"(pad) : "memory");
}

[[gnu::noinline, gnu::no_sanitize_address]] void go(void (*way)(size_t), size_t room) {
  way(room);
  asm volatile("");
}

// From one call, both ways meet at one place at some size, with all words of the other way still where they were.
TEST(StackMemoTest, WaysOfOnePlaceAreToldApart) {
  g_memo = std::make_unique<Memo>();
  constexpr void (*kWays[])(size_t) = {detour, roomy, detour};
  bool met = false;
  for (size_t room = 0; room < 4096; room += 16) {
    uintptr_t place[std::size(kWays)];
    size_t ways = std::size(kWays);
    asm volatile("" : "+r"(ways));  // how many is not known, so the call below stays one
    for (size_t i = 0; i < ways; ++i) {
      go(kWays[i], room);
      place[i] = g_place;
    }
    met |= place[0] == place[1];
  }
  EXPECT_TRUE(met);
}

// Two functions with frames of one size, whose calls come in the order of `path`; the same words lie there in another order.
using Step = void (*)(const void* path);
template <int kWhich>
[[gnu::noinline, gnu::no_sanitize_address]] void step(const void* path) {
  const auto* next = static_cast<const Step*>(path);
  (*next)(next + 1);
  asm volatile("" : : "i"(kWhich));  // no tail call, and no other's code
}
[[gnu::noinline, gnu::no_sanitize_address]] void arrive(const void*) {
  look();
  asm volatile("");
}

TEST(StackMemoTest, TheOrderOfTheFramesCounts) {
  g_memo = std::make_unique<Memo>();
  const Step paths[][4] = {{step<1>, step<0>, step<0>, arrive}, {step<0>, step<1>, step<0>, arrive}};
  uintptr_t place[4];
  size_t ways = std::size(place);
  asm volatile("" : "+r"(ways));  // how many is not known, so the call below stays one
  for (size_t i = 0; i < ways; ++i) {
    step<0>(paths[i % 2]);
    place[i] = g_place;
  }
  EXPECT_EQ(place[0], place[1]);
}

TEST(StackMemoTest, AStackThatComesAgainIsNotWalkedAgain) {
  g_memo = std::make_unique<Memo>();
  for (int i = 0; i < 100; ++i) go(detour, 0);
  EXPECT_LE(g_memo->walked, 2u);
}

// The caller of this one saves the frame pointer and none of those around it needs it, so it is any register.
[[gnu::noinline, gnu::no_sanitize_address]] void look_with(uintptr_t fp) {
  Frame from = caller().walk_from();
  from.fp = fp;
  EXPECT_EQ(g_memo->all[g_memo->find(from, false)], g_memo->plain(from));
}
[[gnu::noinline, gnu::no_sanitize_address]] void replaces(uintptr_t fp) {
  asm volatile("" : : : "rbp");
  look_with(fp);
  asm volatile("");
}

TEST(StackMemoTest, AFramePointerThatNoFrameNeedsMayChange) {
  g_memo = std::make_unique<Memo>();
  for (uintptr_t fp = 1; fp <= 100; ++fp) replaces(fp);
  EXPECT_LE(g_memo->walked, 2u);
}

// Each call is a stack of its own for the memo, for it keeps none of them: there are more places than it has room.
[[gnu::noinline]] void deeper(int depth, bool sampled) {
  volatile char room[64];
  room[0] = 1;
  if (depth != 0) {
    deeper(depth - 1, sampled);
  } else {
    g_memo->find(caller().walk_from(), sampled);
  }
  room[1] = room[0];
}

TEST(StackMemoTest, OfAPlaceWhoseStacksKeepChangingOneInSomeIsWalked) {
  g_memo = std::make_unique<Memo>();
  constexpr int kNew = 224;  // each with a depth of its own
  for (int depth = 0; depth < kNew; ++depth) deeper(depth, true);
  EXPECT_EQ(g_memo->walked, 64u + (kNew - 64) / 16);
  EXPECT_EQ(g_memo->walked + g_memo->glanced, static_cast<size_t>(kNew));
  g_memo = std::make_unique<Memo>();
  for (int depth = 0; depth < kNew; ++depth) deeper(depth, false);
  EXPECT_EQ(g_memo->glanced, 0u);
}

TEST(StackMemoTest, GlancesAreKeptByAllTheirFrames) {
  auto memo = std::make_unique<StackMemo>();
  uint32_t next = 0;
  auto put = [&] { return ++next; };
  const uintptr_t a[] = {1, 2, 3}, b[] = {1, 2, 4}, c[] = {0, 2, 3};
  const uint32_t first = memo->glanced(a, 3, put);
  EXPECT_EQ(memo->glanced(a, 3, put), first);
  for (const auto* other : {b, c}) EXPECT_NE(memo->glanced(other, 3, put), first);
  EXPECT_NE(memo->glanced(a, 2, put), first);
  EXPECT_EQ(next, 4u);
  for (uintptr_t site = 1000; site < 20000; ++site) {  // more than there is room for
    const uint32_t id = memo->glanced(&site, 1, put);
    ASSERT_EQ(memo->glanced(&site, 1, put), id);
  }
}

}  // namespace
}  // namespace masu::debug
