#include "fuzz/fibre.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <fstream>

namespace masu::fuzz {
namespace {

struct Counter {
  Fibre host;
  Fibre fibre{12, &Counter::body, this};
  int count = 0;
  int depth = 0;

  static void body(void* self) {
    auto& counter = *static_cast<Counter*>(self);
    for (;;) {
      ++counter.count;
      counter.fibre.switch_to(counter.host, Order::kSynchronise);
    }
  }
  void resume() { host.switch_to(fibre, Order::kSynchronise); }
};

TEST(Fibre, ContinuesWhereItLeftOff) {
  Counter counter;
  for (int i = 1; i <= 1000; ++i) {
    counter.resume();
    ASSERT_EQ(counter.count, i);
  }
}

TEST(Fibre, RewindStartsItsBodyAnew) {
  Counter counter;
  counter.resume();
  counter.resume();
  counter.fibre.rewind();
  counter.resume();
  EXPECT_EQ(counter.count, 3);
}

// Abandons deep frames with red zones in them: a rewound stack must not keep their poison.
struct Deep {
  Fibre host;
  Fibre fibre{13, &Deep::body, this};
  int sum = 0;

  [[gnu::noinline]] int sink(int depth) {
    std::array<char, 256> frame;
    std::memset(frame.data(), depth, frame.size());
    if (depth == 0) {
      fibre.switch_to(host, Order::kSynchronise);
      return frame[7];
    }
    return sink(depth - 1) + frame[static_cast<size_t>(depth)];
  }
  static void body(void* self) {
    auto& deep = *static_cast<Deep*>(self);
    deep.sum += deep.sink(40);
    deep.fibre.switch_to(deep.host, Order::kSynchronise);
  }
};

TEST(Fibre, AbandonedFramesLeaveNoPoison) {
  Deep deep;
  for (int i = 0; i < 10; ++i) {
    deep.host.switch_to(deep.fibre, Order::kSynchronise);
    deep.fibre.rewind();
  }
  deep.host.switch_to(deep.fibre, Order::kSynchronise);
  deep.host.switch_to(deep.fibre, Order::kSynchronise);
  EXPECT_EQ(deep.sum, 40 * 41 / 2);
}

size_t mapped_pages() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages;
}

// ASan gives a fibre a mapping of its own for locals. Fuzzing ended for want of memory when stopped runs lost theirs.
TEST(Fibre, AbandonedFramesLeaveNoMapping) {
  Deep deep;
  deep.host.switch_to(deep.fibre, Order::kSynchronise);
  const size_t before = mapped_pages();
  for (int i = 0; i < 100; ++i) {
    deep.fibre.rewind();
    deep.host.switch_to(deep.fibre, Order::kSynchronise);
  }
  EXPECT_LT(mapped_pages(), before + 10000);  // 17,600 were lost; TSan maps some of its own
}

TEST(FibreDeathTest, OverflowHitsTheGuard) {
  struct Overflow {
    Fibre host;
    Fibre fibre{14, &Overflow::body, this};
    static int down(int n, char* above) {
      char frame[512];
      std::memset(frame, n, sizeof frame);
      return n > 1000 ? *above : down(n + 1, frame) + frame[n % 512];
    }
    static void body(void* self) {
      auto& o = *static_cast<Overflow*>(self);
      char top = 0;
      if (down(0, &top) == -1) std::puts("");
      o.fibre.switch_to(o.host, Order::kSynchronise);
    }
  };
  EXPECT_DEATH(
      {
        Overflow o;
        o.host.switch_to(o.fibre, Order::kSynchronise);
      },
      "");
}

}  // namespace
}  // namespace masu::fuzz
