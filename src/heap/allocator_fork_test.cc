// Fork, with other threads at work or at rest: what the child finds.
#include "heap/allocator.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>

#include "heap/test_lanes.h"

namespace masu {
namespace {

using test::mark;
using test::Marked;
using test::marked;
using test::Ring;

template <class Lane>
class AllocatorForkTest : public testing::Test {
 protected:
  test::TestHeap<Lane> heap_;
};
TYPED_TEST_SUITE(AllocatorForkTest, test::Lanes);

// The child's status, or -1 where it died or hung.
template <class Body>
int in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TYPED_TEST(AllocatorForkTest, ForkWithThreadsAtWork) {
  auto& heap = *this->heap_;
  std::atomic<bool> stop{false};
  Ring ring(64);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      test::Random random(t);
      while (!stop.load(std::memory_order_relaxed)) {
        const size_t bytes = sizeof(Marked) + random.size(random.below(30) == 0 ? 2 * kMiB : 3000);
        void* p = heap.malloc(bytes);
        if (p == nullptr) continue;
        if (void* old = ring.swap(random.below(64), mark(p, bytes, 1)); old != nullptr) heap.free(old);
      }
      heap.thread_exit();
    });
  }
  std::vector<void*> mine;
  for (int i = 0; i < 200; ++i) mine.push_back(mark(heap.malloc(300), 300, static_cast<uint64_t>(i)));
  for (int i = 0; i < 12; ++i) {
    heap.fork_prepare();
    const int status = in_child([&] {
      heap.fork_child();
      for (void* p : mine) {
        if (!marked(p)) return 1;
        heap.free(p);
      }
      std::vector<void*> blocks;
      for (size_t n = 0; n < 2000; ++n) {
        const size_t bytes = 16 + n % 900 * 10;
        void* p = heap.malloc(bytes);
        if (p == nullptr) return 2;
        blocks.push_back(mark(p, bytes, n));
      }
      for (void* p : blocks) {
        if (!marked(p)) return 3;
        heap.free(p);
      }
      void* large = heap.malloc(5 * kMiB);
      if (large == nullptr) return 4;
      heap.free(large);
      heap.flush();
      heap.thread_exit();
      return test::FaultLog::get().take().empty() ? 0 : 5;
    });
    heap.fork_parent();
    ASSERT_EQ(status, 0) << "fork " << i;
  }
  stop = true;
  for (std::thread& t : threads) t.join();
  for (void* p : mine) heap.free(p);
  ring.drain([&](void* p) { heap.free(p); });
  heap.flush();
  EXPECT_EQ(heap.census(), 0u);
}

// Other threads at rest: the child can free what they made, and nothing of it is lost.
TYPED_TEST(AllocatorForkTest, ForkWithThreadsAtRest) {
  auto& heap = *this->heap_;
  std::barrier<> ready(4), done(4);
  std::vector<void*> blocks(3 * 50);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 50; ++i) blocks[t * 50 + i] = mark(heap.malloc(500), 500, i);
      ready.arrive_and_wait();
      done.arrive_and_wait();
      heap.thread_exit();
    });
  }
  void* own = heap.malloc(10);
  ready.arrive_and_wait();
  heap.fork_prepare();
  const int status = in_child([&] {
    heap.fork_child();
    if (heap.census() != blocks.size() + 1) return 1;
    for (void* p : blocks) {
      if (!marked(p)) return 2;
      heap.free(p);
    }
    heap.flush();
    if (heap.census() != 1) return 3;
    heap.trim();
    if (heap.totals().owners != 4 || heap.totals().arena_bytes > Arena<TypeParam>::kSegmentBytes) return 4;
    // A thread past its exit borrows an orphan for each call.
    for (int i = 0; i < 3; ++i) {
      heap.thread_exit();
      void* p = heap.malloc(100);
      if (p == nullptr) return 5;
      heap.free(p);
    }
    heap.free(own);
    return heap.census() == 0 ? 0 : 6;
  });
  heap.fork_parent();
  EXPECT_EQ(status, 0);
  EXPECT_EQ(heap.census(), blocks.size() + 1) << "the parent is as it was";
  done.arrive_and_wait();
  for (std::thread& t : threads) t.join();
  for (void* p : blocks) heap.free(p);
  heap.free(own);
  EXPECT_EQ(heap.census(), 0u);
}

}  // namespace
}  // namespace masu
