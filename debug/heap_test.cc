// The debug heap as a value, beside the program's own malloc; reports end the process, so each fault is a death test.
#include "debug/heap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "debug/report.h"
#include "debug/one_test_heap.h"

namespace masu::debug {
namespace {

void* get(size_t bytes, Request r = {}) { return heap().allocate(bytes, r, caller()); }
void give(void* p, Release how = {}) { heap().release(p, how, caller()); }
bool on_pages_of_its_own(void* p) {
  Cell cell;
  return heap().locate(reinterpret_cast<uintptr_t>(p), cell) && cell.paged;
}
void configure(int64_t guard, bool halt) {
  fixed().options.set(Option::kGuard, guard);
  fixed().options.set(Option::kHalt, halt);
  heap().configure(fixed().options);
  configure_reports(fixed().options);
}

TEST(DebugHeapTest, SizesAreExactAndBlocksAligned) {
  for (size_t bytes : {0ul, 1ul, 15ul, 16ul, 17ul, 100ul, 4095ul, 4096ul, 8192ul, 40000ul, 524288ul, 600001ul}) {
    void* p = get(bytes);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 16, 0u);
    EXPECT_EQ(heap().usable_size(p), bytes);
    memset(p, 0, bytes);
    give(p);
  }
  for (size_t align = 1; align <= (size_t{4} << 20); align *= 2) {
    void* p = get(100, {Family::kMalloc, align});
    ASSERT_NE(p, nullptr) << align;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % align, 0u);
    give(p);
  }
}

TEST(DebugHeapTest, ZeroedAlsoAfterReuse) {
  for (int round = 0; round < 3; ++round) {
    std::vector<unsigned char*> blocks;
    for (size_t bytes : {3ul, 24ul, 1000ul, 9000ul, 70000ul, 700000ul}) {
      for (int i = 0; i < 200 / (bytes > 9000 ? 50 : 1); ++i) {
        auto* p = static_cast<unsigned char*>(heap().allocate_zeroed(bytes, caller()));
        ASSERT_NE(p, nullptr);
        for (size_t k = 0; k < bytes; ++k) ASSERT_EQ(p[k], 0) << bytes << " at " << k;
        memset(p, 0xA5, bytes);
        blocks.push_back(p);
      }
    }
    for (unsigned char* p : blocks) give(p);
  }
}

TEST(DebugHeapTest, ReallocMovesAndKeeps) {
  auto* p = static_cast<char*>(get(10));
  memcpy(p, "123456789", 10);
  auto* q = static_cast<char*>(heap().reallocate(p, 100000, caller()));
  EXPECT_NE(p, q);
  EXPECT_STREQ(q, "123456789");
  q = static_cast<char*>(heap().reallocate(q, 4, caller()));
  EXPECT_EQ(memcmp(q, "1234", 4), 0);
  EXPECT_EQ(heap().usable_size(q), 4u);
  give(q);
}

TEST(DebugHeapTest, WithoutStacksABlockHasNone) {
  const int64_t before = fixed().options.get(Option::kStacks);
  fixed().options.set(Option::kStacks, 0);
  heap().configure(fixed().options);
  for (int i = 0; i < 100; ++i) {
    Cell cell;
    void* p = heap().malloc(24);
    ASSERT_TRUE(heap().locate(reinterpret_cast<uintptr_t>(p), cell));
    EXPECT_EQ(facts_of(cell).alloc_stack, 0u);
    heap().free(p);
    EXPECT_EQ(facts_of(cell).free_stack, 0u);
  }
  fixed().options.set(Option::kStacks, before);
  heap().configure(fixed().options);
}

TEST(DebugHeapTest, AFreedBlockRestsBeforeItIsReused) {
  void* p = get(64);
  give(p);
  for (int i = 0; i < 100; ++i) {
    void* q = get(64);
    EXPECT_NE(p, q);
    give(q);
  }
}

TEST(DebugHeapTest, TheQuarantineHoldsItsBytesAndNoMore) {
  void* p = get(64);
  give(p);
  Cell cell;
  ASSERT_TRUE(heap().locate(reinterpret_cast<uintptr_t>(p), cell));
  auto free_more = [](size_t bytes) {
    for (size_t n = 0; n < bytes; n += 1024) give(get(900));
  };
  free_more(200 << 10);  // with a small heap it holds 256 KiB
  EXPECT_EQ(cell.record->state.load(), State::kQuarantined);
  free_more(32 << 20);
  EXPECT_NE(cell.record->state.load(), State::kQuarantined);
}

TEST(DebugHeapTest, EveryThreadsBlocksMayBeFreedByOthers) {
  std::vector<void*> blocks(20000);
  std::thread make([&] {
    for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = get(i % 500);
  });
  make.join();
  EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), blocks.size());
  std::thread end([&] {
    for (void* p : blocks) give(p);
  });
  end.join();
  heap().sweep("test");
}

TEST(DebugHeapTest, NoTwoBlocksShareARecord) {
  std::vector<void*> blocks;
  std::set<const Record*> records;
  for (size_t bytes = 1; bytes < 40000; bytes += bytes / 8 + 1) {
    for (int i = 0; i < 300; ++i) {
      blocks.push_back(get(bytes));
      Cell cell;
      ASSERT_TRUE(heap().locate(reinterpret_cast<uintptr_t>(blocks.back()) + bytes - 1, cell));
      EXPECT_EQ(cell.user, reinterpret_cast<uintptr_t>(blocks.back()));
      EXPECT_EQ(cell.size, bytes);
      EXPECT_TRUE(records.insert(cell.record).second) << bytes;
    }
  }
  for (void* p : blocks) give(p);
}

TEST(DebugHeapTest, PrivateHeapsEndWithTheirBlocks) {
  auto* h = heap().heap_new();
  std::vector<void*> inside, outside;
  for (size_t bytes : {100, 1 << 20}) {
    inside.push_back(heap().heap_malloc(*h, bytes, 16));
    outside.push_back(get(bytes));
  }
  heap().heap_delete(*h);
  auto is_live = [](void* p) {
    Cell cell;
    return heap().locate(reinterpret_cast<uintptr_t>(p), cell) && cell.record->state.load() == State::kLive;
  };
  for (void* p : inside) EXPECT_FALSE(is_live(p));
  for (void* p : outside) {
    EXPECT_TRUE(is_live(p));
    give(p);
  }
}

TEST(DebugHeapTest, ThePagesOfLargeBlocksAreCounted) {
  const size_t before = heap().totals().live_large_bytes;
  void* p = get(1 << 20);
  Cell cell;
  ASSERT_TRUE(heap().locate(reinterpret_cast<uintptr_t>(p), cell));
  EXPECT_EQ(heap().totals().live_large_bytes, before + (cell.end - cell.begin));
  give(p);
  EXPECT_EQ(heap().totals().live_large_bytes, before);
}

// A number of 16 bits in the record; 0 is that of all other blocks.
TEST(DebugHeapTest, PrivateHeapsHaveNumbersOfTheirOwn) {
  constexpr size_t kHeaps = 0xFFFF;
  std::vector<DebugHeap::OwnerT*> heaps(kHeaps);
  std::set<uint32_t> numbers;
  for (auto*& h : heaps) {
    h = heap().heap_new();
    numbers.insert(*reinterpret_cast<const uint32_t*>(h) & 0xFFFF);
  }
  EXPECT_EQ(numbers.size(), kHeaps);
  EXPECT_EQ(numbers.count(0), 0u);
  for (auto* h : heaps) give(h);
}

TEST(DebugHeapTest, SomeBlocksAreGuarded) {
  configure(0, true);
  std::thread([] {
    auto guarded = [](size_t bytes, int blocks) {
      int n = 0;
      for (int i = 0; i < blocks; ++i) {
        void* p = get(bytes);
        n += on_pages_of_its_own(p);
        give(p);
      }
      return n;
    };
    EXPECT_EQ(guarded(0, 641), 11);
    EXPECT_EQ(guarded(24, 30000 - 641), 6);
    EXPECT_EQ(guarded(1, 4000), 0);
  }).join();
  configure(1, true);
}

using DebugHeapDeathTest = testing::Test;

// With halt=0 the process goes on.
bool speaks_once(const std::string& text) {
  const size_t first = text.find("==ERROR");
  return first != std::string::npos && text.find("==ERROR", first + 1) == std::string::npos;
}

TEST(DebugHeapDeathTest, EachDamageIsSaidOnce) {
  auto* p = static_cast<volatile char*>(get(20));
  auto each_once = [&](auto&& damage) {
    EXPECT_EXIT((configure(1, false), damage(), heap().sweep("test"), heap().sweep("test"), _exit(0)), testing::ExitedWithCode(0),
                testing::Truly(speaks_once));
  };
  each_once([&] { p[20] = 1; });
  each_once([&] { p[-1] = 1; });
  each_once([&] {
    give(const_cast<char*>(p));
    p[3] = 1;
  });
  each_once([&] {
    give(const_cast<char*>(p));
    p[-9] = 1;
  });
  each_once([&] { p[4096 - reinterpret_cast<uintptr_t>(p) % 4096 - 100] = 1; });  // no block's yet
  auto* large = static_cast<volatile char*>(get(1 << 20));
  each_once([&] { large[1 << 20] = 1; });
  each_once([&] { large[-1] = 1; });
  each_once([&] {
    p[20] = 1;
    p[-1] = 1;
    give(const_cast<char*>(p));
  });
  give(const_cast<char*>(p));
  give(const_cast<char*>(large));
}

// The front's word alone does not bring a block back to life.
TEST(DebugHeapDeathTest, ADoubleFreeWithAForgedFront) {
  auto* p = static_cast<char*>(get(96));
  char live[8];
  memcpy(live, p - 8, 8);
  give(p);
  EXPECT_DEATH((memcpy(p - 8, live, 8), p[-16] ^= 0x40, give(p)), "double-free");
}

// A front whose life is none is damaged, and its block no freed one.
TEST(DebugHeapDeathTest, ALifeThatIsNone) {
  auto* p = static_cast<volatile char*>(get(96));
  for (const char life : {0x10, 0x08}) {
    EXPECT_DEATH((p[-3] = static_cast<char>(p[-3] ^ life), give(const_cast<char*>(p))), "heap-buffer-overflow(.*\n)*.* 3 bytes before 96-byte region");
  }
  give(const_cast<char*>(p));
}

TEST(DebugHeapDeathTest, DoubleFree) {
  void* p = get(96);
  give(p);
  EXPECT_DEATH(give(p), "double-free.*\n(.*\n)*.*0 bytes inside of 96-byte region(.*\n)*freed by thread T0");
}

// What ended a quarantined block is not in its record yet, and its front no longer says that it has ended.
TEST(DebugHeapDeathTest, FreedBlocksWithDamagedFrontsAreFreedOnes) {
  for (size_t align : {0ul, 64ul}) {
    auto* p = static_cast<volatile char*>(get(96, {Family::kMalloc, align}));
    give(const_cast<char*>(p));
    const char front = p[-1];
    EXPECT_DEATH((p[-1] = 1, give(const_cast<char*>(p))), "double-free(.*\n)*.*freed by thread T0");
    EXPECT_DEATH((p[-1] = 1, heap().usable_size(const_cast<char*>(p))), "bad-malloc_usable_size(.*\n)*.*freed by thread T0");
    EXPECT_DEATH((p[-1] = 1, heap().sweep("test")), "heap-use-after-free(.*\n)*.* 1 byte before 96-byte region(.*\n)*.*freed by thread T0");
    EXPECT_NE(front, 1);
  }
}

// The other thread's free is caught between its first store and its last.
TEST(DebugHeapDeathTest, ADoubleFreeWaitsForTheOtherFreesStack) {
  auto free_during_another = [](void* p) {
    Cell cell;
    heap().locate(reinterpret_cast<uintptr_t>(p), cell);
    cell.record->state.store(State::kFreeing);
    auto& facts = Front::before(cell.user).facts;
    facts.store(Facts(facts.load()).ended().word());
    std::thread other([cell] {
      usleep(10'000);
      cell.record->free_thread = 7;
      cell.record->state.store(State::kQuarantined);
    });
    give(p);
    other.join();
  };
  EXPECT_DEATH(free_during_another(get(96)), "double-free.*\n(.*\n)*freed by thread T7");
}

TEST(DebugHeapDeathTest, BadPointers) {
  char* p = static_cast<char*>(get(96));
  int local = 0;
  static int global;
  EXPECT_DEATH(give(p + 16), "bad-free(.*\n)*.*16 bytes inside of 96-byte region");
  EXPECT_DEATH(give(&local), "bad-free(.*\n)*.*the stack of this thread");
  EXPECT_DEATH(give(&global), "bad-free(.*\n)*.*global data of the program");
  EXPECT_DEATH(give(reinterpret_cast<void*>(0x10)), "bad-free(.*\n)*.*unmapped memory");
  EXPECT_DEATH(heap().usable_size(p + 8), "bad-malloc_usable_size");
  give(p);
}

TEST(DebugHeapDeathTest, ChangedBytesAroundABlock) {
  for (size_t bytes : {0ul, 1ul, 13ul, 15ul, 16ul, 31ul, 96ul, 4096ul, 20000ul}) {
    auto* p = static_cast<volatile unsigned char*>(get(bytes));
    const unsigned char behind = p[bytes], before = p[-1];
    EXPECT_DEATH((p[bytes] = 0, give(const_cast<unsigned char*>(p))), "heap-buffer-overflow(.*\n)*.* 0 bytes after");
    EXPECT_DEATH((p[-1] = 0, give(const_cast<unsigned char*>(p))), "heap-buffer-overflow(.*\n)*.* 1 byte before");
    EXPECT_NE(behind, 0);
    EXPECT_NE(before, 0);
    give(const_cast<unsigned char*>(p));
  }
}

TEST(DebugHeapDeathTest, WriteAfterFree) {
  for (size_t at : {0ul, 35ul, 63ul}) {
    auto* p = static_cast<volatile char*>(get(64));
    give(const_cast<char*>(p));
    const char poison = p[at];
    EXPECT_DEATH((p[at] = 'x', heap().sweep("test")), "heap-use-after-free");
    EXPECT_NE(poison, 'x');
  }
}

TEST(DebugHeapDeathTest, Mismatches) {
  void* p = get(96, {Family::kNew, 0});
  EXPECT_DEATH(give(p), "alloc-dealloc-mismatch(.*\n)*.*made by operator new, given back by free");
  EXPECT_DEATH(give(p, {Family::kNewArray, "operator delete[]", kUnsaid, 0}), "alloc-dealloc-mismatch");
  EXPECT_DEATH(give(p, {Family::kNew, "operator delete", 95, 0}), "new-delete-type-mismatch");
  EXPECT_DEATH(give(p, {Family::kNew, "operator delete", 96, 64}), "new-delete-type-mismatch");
  void* aligned = get(96, {Family::kNew, 16});
  EXPECT_DEATH(give(aligned, {Family::kNew, "operator delete", 96, 0}), "new-delete-type-mismatch");
  give(aligned, {Family::kNew, "operator delete", 96, 16});
  give(p, {Family::kNew, "operator delete", 96, 0});
}

TEST(DebugHeapDeathTest, AReleasedLargeBlockCannotBeRead) {
  auto* p = static_cast<volatile char*>(get(1 << 20));
  p[70000] = 1;
  give(const_cast<char*>(p));
  EXPECT_DEATH(p[70000] = 2, "");
}

}  // namespace
}  // namespace masu::debug
