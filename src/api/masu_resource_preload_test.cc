// Runs on libmasu.so itself: its malloc is ours, and so is the memory of GoogleTest.
#include "api/masu_resource.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

TEST(MasuResource, TheLibraryTookOver) { ASSERT_EQ(std::string(masu_version()).rfind("masu ", 0), 0u); }

TEST(MasuResource, AlignmentAndSizes) {
  masu::HeapResource heap;
  for (size_t align = 1; align <= (4u << 20); align *= 2) {
    for (size_t bytes : {size_t{0}, size_t{1}, size_t{100}, size_t{9000}, size_t{600000}, size_t{3} << 20}) {
      void* p = heap.allocate(bytes, align);
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % align, 0u);
      EXPECT_GE(masu_usable_size(p), bytes);
      memset(p, 7, bytes);
      if (bytes % 3 != 0) heap.deallocate(p, bytes, align);  // the heap's end frees the rest
    }
  }
}

TEST(MasuResource, ThrowsWhereThereIsNoMemory) {
  masu::HeapResource heap;
  EXPECT_THROW((void)heap.allocate(SIZE_MAX, 16), std::bad_alloc);
  EXPECT_THROW((void)heap.allocate(static_cast<size_t>(PTRDIFF_MAX) + 1, 16), std::bad_alloc);
  masu::HeapAllocator<uint64_t> numbers(heap);
  EXPECT_THROW((void)numbers.allocate(SIZE_MAX / 4), std::bad_array_new_length);
}

TEST(MasuResource, PmrContainers) {
  masu::HeapResource heap;
  {
    std::pmr::unordered_map<std::pmr::string, std::pmr::vector<int>> map(&heap);
    for (int i = 0; i < 3000; ++i) {
      auto& v = map[std::pmr::string("a key that does not fit the small buffer ") + std::to_string(i % 500).c_str()];
      for (int j = 0; j < i % 50; ++j) v.push_back(j);
    }
    EXPECT_EQ(map.size(), 500u);
  }
  std::pmr::list<int> list({1, 2, 3}, &heap);
  EXPECT_EQ(list.size(), 3u);
  masu::HeapResource other;
  EXPECT_TRUE(heap.is_equal(heap));
  EXPECT_FALSE(heap.is_equal(other));
}

TEST(MasuResource, StandardAllocator) {
  masu::HeapResource heap, other;
  using Pair = std::pair<const int, std::string>;
  std::map<int, std::string, std::less<>, masu::HeapAllocator<Pair>> map{masu::HeapAllocator<Pair>(heap)};
  for (int i = 0; i < 2000; ++i) map[i % 700] += "text";
  EXPECT_EQ(map.size(), 700u);
  EXPECT_EQ(masu::HeapAllocator<int>(heap), masu::HeapAllocator<long>(heap));
  EXPECT_FALSE(masu::HeapAllocator<int>(heap) == masu::HeapAllocator<int>(other));
}

TEST(MasuResource, BlocksFreedByOtherThreads) {
  masu::HeapResource heap;
  for (int round = 0; round < 20; ++round) {
    std::vector<void*> blocks;
    for (int i = 0; i < 300; ++i) {
      blocks.push_back(heap.allocate(100, 16));
      memset(blocks.back(), i, 100);
    }
    std::thread([&] {
      for (size_t i = 0; i < blocks.size(); ++i) {
        EXPECT_EQ(static_cast<unsigned char*>(blocks[i])[99], i % 256);
        heap.deallocate(blocks[i], 100, 16);
      }
    }).join();
  }
}

TEST(MasuResource, HeapsComeAndGo) {
  const uint64_t before = masu_stat("owners");
  ASSERT_NE(before, UINT64_MAX);
  for (int i = 0; i < 2000; ++i) {
    masu::HeapResource heap;
    memset(heap.allocate(500, 16), 1, 500);
  }
  EXPECT_LE(masu_stat("owners"), before + 2);
}

TEST(MasuHeap, OddArguments) {
  masu_heap* heap = masu_heap_new();
  ASSERT_NE(heap, nullptr);
  for (size_t align : {size_t{0}, size_t{3}, size_t{24}, SIZE_MAX}) {
    errno = 0;
    EXPECT_EQ(masu_heap_aligned(heap, align, 10), nullptr);
    EXPECT_EQ(errno, EINVAL);
  }
  errno = 0;
  EXPECT_EQ(masu_heap_malloc(heap, SIZE_MAX), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  errno = 4711;
  void* p = masu_heap_malloc(heap, 0);
  EXPECT_NE(p, nullptr);
  free(p);
  masu_heap_delete(heap);
  masu_heap_delete(nullptr);
  EXPECT_EQ(errno, 4711);
}

TEST(MasuStats, NamesAndJson) {
  EXPECT_EQ(masu_stat("no such counter"), UINT64_MAX);
  EXPECT_NE(masu_stat("refills"), UINT64_MAX);
  char tiny[4] = {'x', 'x', 'x', 'x'};
  const size_t needed = masu_stats_json(tiny, 3);
  EXPECT_EQ(tiny[2], 0);
  EXPECT_EQ(tiny[3], 'x');
  std::vector<char> all(needed + 100);
  const size_t size = masu_stats_json(all.data(), all.size());
  ASSERT_LE(size, all.size());
  EXPECT_EQ(strlen(all.data()) + 1, size);
  EXPECT_EQ(all[0], '{');
  EXPECT_EQ(all[size - 2], '}');
  EXPECT_NE(strstr(all.data(), "\"refills\": "), nullptr);
  EXPECT_EQ(masu_stats_json(nullptr, 0) > 2, true);
}

TEST(MasuGoodSize, IsWhatMallocGives) {
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{17}, size_t{100}, size_t{5000}, size_t{9000}, size_t{600000}, size_t{1} << 21}) {
    void* p = malloc(bytes);
    EXPECT_EQ(masu_usable_size(p), masu_good_size(bytes)) << bytes;
    free(p);
  }
  EXPECT_EQ(masu_usable_size(nullptr), 0u);
}

}  // namespace
