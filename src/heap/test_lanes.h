// What the heap's tests run on: native threads, an OS that fails on command, and lanes of both.
//   NativeLane   release geometry over Linux          TinyLane   tiny bounds, every check on
//   FaultLane    TinyLane's bounds in small segments over TestOs, whose clock, page size and failures a test sets
// A lane's fatal() records the fault. Every test must end with FaultLog::get().none() or have taken what it expects.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "heap/allocator.h"
#include "heap/test_blocks.h"
#include "heap/test_os.h"

namespace masu::test {

// Threads as they are; many heaps in one process, each known to a thread by its own slot.
class RankedMutex {
 public:
  explicit RankedMutex(LockRank rank) : bit_(1u << rank) {}
  void lock() {
    EXPECT_LT(held(), bit_) << "a lock taken against its rank";
    mutex_.lock();
    held() |= bit_;
  }
  bool try_lock() {
    if (!mutex_.try_lock()) return false;
    held() |= bit_;
    return true;
  }
  void unlock() {
    held() &= ~bit_;
    mutex_.unlock();
  }

 private:
  static unsigned& held() {
    thread_local unsigned bits = 0;
    return bits;
  }
  std::mutex mutex_;
  unsigned bit_;
};

struct NativeSync {
  template <class T>
  using Atomic = std::atomic<T>;
  using Mutex = RankedMutex;

  static bool below(size_t i, const Atomic<size_t>& bound) { return i < bound.load(std::memory_order_relaxed); }
  static void*& self(uint32_t heap) {
    struct Seat {
      uint32_t heap;
      void* pointer;
    };
    thread_local std::array<Seat, 64> seats{};  // 64 heaps alive at once; an ended heap's seat starts as null again
    Seat& seat = seats[heap % seats.size()];
    if (seat.heap != heap) seat = {heap, nullptr};
    return seat.pointer;
  }
  static uint32_t attach() {
    static std::atomic<uint32_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;  // relaxed: only unique; 0 is a heap before init()
  }
  static void detach(uint32_t) {}
  static void arm_exit(void (*)(void*), void*) {}  // tests call thread_exit() themselves
  static uint64_t thread_id() { return linux_thread_id(); }
  static void pause() { std::this_thread::yield(); }
  static void yield() { std::this_thread::yield(); }
};

// The faults that lanes of this program raised since the last take().
class FaultLog {
 public:
  struct Entry {
    Fault fault;
    Evidence evidence;
  };
  static FaultLog& get() {
    static FaultLog log;
    return log;
  }
  void add(Fault f, const Evidence& e) {
    const std::lock_guard guard(mutex_);
    entries_.push_back({f, e});
  }
  std::vector<Entry> take() {
    const std::lock_guard guard(mutex_);
    return std::exchange(entries_, {});
  }
  // The one fault since the last take(); kNone where there was none, kCount where there were more.
  Fault take_one() {
    const std::vector<Entry> all = take();
    return all.empty() ? Fault::kNone : all.size() == 1 ? all[0].fault : Fault::kCount;
  }
  std::atomic<uint64_t> out_of_memory{0};

 private:
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

inline testing::AssertionResult no_faults() {
  const auto all = FaultLog::get().take();
  if (all.empty()) return testing::AssertionSuccess();
  const auto& text = kFaultText[static_cast<size_t>(all[0].fault)];
  return testing::AssertionFailure() << all.size() << " faults, first: " << text.kind << " in " << all[0].evidence.where
                                     << " " << all[0].evidence.detail;
}

template <class Base>
struct Recorded : Base {
  static void fatal(Fault f, const Evidence& e) { FaultLog::get().add(f, e); }
  static void out_of_memory(size_t) { ++FaultLog::get().out_of_memory; }
};

struct TinyBounds : LaneDefaults {
  static constexpr bool kChecked = true;
  static constexpr size_t kBinBytes = 512;
  static constexpr size_t kRunBinBytes = 32 * kKiB;
  static constexpr unsigned kBinMax = 8;
  static constexpr unsigned kBinMin = 1;
  static constexpr unsigned kBinFirst = 2;
  static constexpr unsigned kBinNarrow = 2;
  static constexpr size_t kCacheBytes = 128 * kKiB;
  static constexpr unsigned kStashSlots = 2;
  static constexpr unsigned kStashChain = 4;
  static constexpr size_t kStashBytes = 2 * kKiB;
  static constexpr size_t kStashTotal = 3 * kKiB;
  static constexpr unsigned kSpill = 3;
  static constexpr unsigned kDrainStep = 5;
  static constexpr unsigned kBacklog = 1;
  static constexpr unsigned kKeepSegments = 1;
  static constexpr size_t kShrinkPages = 64;
  static constexpr size_t kShrinkLarge = kMiB;
  static constexpr unsigned kWatchedPerMs = 4;
  static constexpr unsigned kTickEvents = 4;
  static constexpr unsigned kMaxLargeCached = 3;
};

struct SmallSegments : TinyBounds {
  static constexpr unsigned kSegmentPages = 64;     // 256 KiB
  static constexpr size_t kMaxRunPages = 16;        // 64 KiB
  static constexpr uint32_t kMaxOwners = 64;
  static constexpr size_t kMinArena = kMiB;
  static constexpr size_t kMaxArena = 64 * kMiB;
  static constexpr unsigned kChunkSegments = 4;
};

using NativeLane = Under<Recorded<LaneDefaults>, NativeSync, LinuxOs>;
using TinyLane = Under<Recorded<TinyBounds>, NativeSync, LinuxOs>;
using FaultLane = Under<Recorded<SmallSegments>, NativeSync, TestOs>;
using Lanes = testing::Types<NativeLane, TinyLane, FaultLane>;

// The same bounds where a test needs the switchboard.
using ReleaseOnTestOs = Under<Recorded<LaneDefaults>, NativeSync, TestOs>;
using TinyOnTestOs = Under<Recorded<TinyBounds>, NativeSync, TestOs>;
using TestOsLanes = testing::Types<ReleaseOnTestOs, TinyOnTestOs, FaultLane>;

// A heap for one test, on the C++ heap since it is big.
template <class Lane>
class TestHeap {
 public:
  using Heap = Allocator<Lane>;
  explicit TestHeap(const HeapConfig& config = small()) : TestHeap(config, [](auto&) {}) {}
  // prepare(os) comes before init().
  template <class Prepare>
  TestHeap(const HeapConfig& config, Prepare prepare) : heap_(std::make_unique<Heap>()) {
    prepare(heap_->core().os);
    EXPECT_TRUE(heap_->init(config));
  }
  ~TestHeap() {
    heap_->destroy();
    if constexpr (requires { heap_->core().os.mapped(); }) {
      EXPECT_EQ(heap_->core().os.mapped(), 0u) << "address space lost";
    }
    EXPECT_TRUE(no_faults());
  }
  static HeapConfig small() {
    HeapConfig c;
    c.arena_limit = Lane::kMaxArena < kGiB ? Lane::kMaxArena / 4 : kGiB;
    return c;
  }
  // Pages of the arena's segments that have memory behind them.
  size_t resident_pages() {
    auto& arena = heap_->core().arena;
    const size_t page = heap_->core().os.page_size();
    std::vector<unsigned char> in_core(Arena<Lane>::kSegmentBytes / LinuxOs{}.page_size());
    size_t n = 0;
    for (SegmentId s = 0; s < arena.ever_used(); ++s) {
      if (mincore(arena.at(s), Arena<Lane>::kSegmentBytes, in_core.data()) != 0) continue;  // not mapped
      n += static_cast<size_t>(std::count_if(in_core.begin(), in_core.end(), [](unsigned char c) { return (c & 1) != 0; }));
    }
    return n * LinuxOs{}.page_size() / page;
  }
  Heap& operator*() { return *heap_; }
  Heap* operator->() { return heap_.get(); }

 private:
  std::unique_ptr<Heap> heap_;
};

// Runs body(i) on n threads, each of which gives its owner back at its end.
template <class Heap, class Body>
void on_threads(Heap& heap, unsigned n, Body body) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < n; ++i) {
    threads.emplace_back([&heap, body, i] {
      body(i);
      heap.thread_exit();
    });
  }
  for (std::thread& t : threads) t.join();
}

}  // namespace masu::test
