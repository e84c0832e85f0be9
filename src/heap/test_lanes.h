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
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "heap/allocator.h"

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

enum class OsCall : uint8_t { kReserve, kClaim, kCommit, kDecommit, kPurge, kMap, kRemap, kCount };
constexpr const char* kOsCallNames[] = {"reserve", "claim", "commit", "decommit", "purge", "map", "remap"};

// Linux behind a switchboard: call n of a function can fail, once or from then on; the clock stands still until it is
// set; the page size is what the test says, and every range must respect it. Counts what is mapped.
class TestOs {
 public:
  void fail(OsCall call, uint64_t nth, bool persistently) {
    Plan& p = plan(call);
    p.nth = p.calls + nth;
    p.persistent = persistently;
  }
  void heal() {
    for (Plan& p : plans_) p.nth = 0;
  }
  uint64_t calls(OsCall call) { return plan(call).calls; }
  uint64_t failures(OsCall call) { return plan(call).failures; }
  size_t mapped() const { return mapped_; }  // bytes of address space; claimed ones included

  std::atomic<uint64_t> clock_ms{1000};
  std::atomic<size_t> page{kPage};
  std::atomic<size_t> space_limit{SIZE_MAX};   // of what is mapped; one at the start: the arena claims segment by segment
  std::atomic<uintptr_t> map_at{0};            // where the kernel is to put what is mapped next
  std::atomic<uintptr_t> refuse_claim_at{0};   // as if somebody else's mapping lay there

  size_t page_size() const { return page; }
  void* reserve(size_t bytes, size_t align) {
    check("reserve", nullptr, bytes);
    return failing(OsCall::kReserve, bytes) ? nullptr : counted(linux_.reserve(bytes, max_of(align, page.load())), bytes);
  }
  bool claim(void* at, size_t bytes) {
    check("claim", at, bytes);
    if (failing(OsCall::kClaim, bytes) || reinterpret_cast<uintptr_t>(at) == refuse_claim_at) return false;
    return linux_.claim(at, bytes) && counted(at, bytes) != nullptr;
  }
  bool commit(void* at, size_t bytes) {
    check("commit", at, bytes);
    return !failing(OsCall::kCommit) && linux_.commit(at, bytes);
  }
  bool decommit(void* at, size_t bytes) {
    check("decommit", at, bytes);
    return !failing(OsCall::kDecommit) && linux_.decommit(at, bytes);
  }
  bool purge(void* at, size_t bytes) {
    check("purge", at, bytes);
    return !failing(OsCall::kPurge) && linux_.purge(at, bytes);
  }
  void* map(size_t bytes, size_t align) {
    check("map", nullptr, bytes);
    if (failing(OsCall::kMap, bytes)) return nullptr;
    void* wanted = reinterpret_cast<void*>(map_at.load());
    if (wanted == nullptr) return counted(linux_.map(bytes, max_of(align, page.load())), bytes);
    map_at += bytes;
    return linux_.claim(wanted, bytes) ? counted(wanted, bytes) : nullptr;
  }
  void unmap(void* at, size_t bytes) {
    check("unmap", at, bytes);
    mapped_ -= bytes;
    linux_.unmap(at, bytes);
  }
  void* remap(void* at, size_t old_bytes, size_t new_bytes, bool may_move) {
    check("remap", at, old_bytes);
    check("remap", nullptr, new_bytes);
    if (failing(OsCall::kRemap, new_bytes > old_bytes ? new_bytes - old_bytes : 0)) return nullptr;
    // Linux moves to multiples of its own page: a larger one is moved to by hand.
    const bool by_hand = may_move && page != linux_.page_size();
    void* p = linux_.remap(at, old_bytes, new_bytes, may_move && !by_hand);
    if (p == nullptr && by_hand && (p = linux_.map(new_bytes, page)) != nullptr) {
      memcpy(p, at, min_of(old_bytes, new_bytes));
      linux_.unmap(at, old_bytes);
    }
    if (p != nullptr) mapped_ += new_bytes - old_bytes;
    return p;
  }
  void huge(void* at, size_t bytes) { check("huge", at, bytes); }
  uint64_t now_ms() { return clock_ms; }
  uint64_t random() { return 0x0123456789ABCDEFu; }
  size_t physical_memory() { return 64 * kMiB; }
  size_t address_space_limit() { return space_limit; }

 private:
  struct Plan {
    std::atomic<uint64_t> calls{0}, failures{0}, nth{0};
    std::atomic<bool> persistent{false};
  };
  Plan& plan(OsCall call) { return plans_[static_cast<size_t>(call)]; }
  // `more`: bytes of address space that the call asks for.
  bool failing(OsCall call, size_t more = 0) {
    Plan& p = plan(call);
    const uint64_t n = ++p.calls;
    const bool fails = p.nth != 0 && (p.persistent ? n >= p.nth : n == p.nth);
    p.failures += fails;
    return fails || (more != 0 && space_limit - min_of(space_limit.load(), mapped_.load()) < more);
  }
  void* counted(void* p, size_t bytes) {
    if (p != nullptr) mapped_ += bytes;
    return p;
  }
  void check(const char* call, void* at, size_t bytes) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(at) % page, 0u) << call << " of a range that starts inside a machine page";
    EXPECT_EQ(bytes % page, 0u) << call << " of a range that ends inside a machine page";
  }

  LinuxOs linux_;
  std::array<Plan, static_cast<size_t>(OsCall::kCount)> plans_;
  std::atomic<size_t> mapped_{0};
};

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
  static constexpr size_t kCacheBytes = 16 * kKiB;
  static constexpr unsigned kStashSlots = 2;
  static constexpr unsigned kStashChain = 4;
  static constexpr size_t kStashBytes = 2 * kKiB;
  static constexpr size_t kStashTotal = 3 * kKiB;
  static constexpr unsigned kSpill = 3;
  static constexpr unsigned kDrainStep = 5;
  static constexpr unsigned kKeepSegments = 1;
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

// Contents that say whose they are: words that follow from the key and their place.
inline uint64_t word_of(uint64_t key, size_t i) { return (key + i) * 0x9E3779B97F4A7C15u; }
inline void fill(void* p, size_t bytes, uint64_t key) {
  auto* b = static_cast<unsigned char*>(p);
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t w = word_of(key, i);
    memcpy(b + i, &w, min_of<size_t>(8, bytes - i));
  }
}
inline bool filled(const void* p, size_t bytes, uint64_t key) {
  const auto* b = static_cast<const unsigned char*>(p);
  uint64_t different = 0;
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t w = word_of(key, i);
    if (bytes - i < 8) return different == 0 && memcmp(b + i, &w, bytes - i) == 0;
    uint64_t found = 0;
    memcpy(&found, b + i, 8);
    different |= found ^ w;
  }
  return different == 0;
}
inline bool all_zero(const void* p, size_t bytes) {
  const auto* b = static_cast<const unsigned char*>(p);
  return bytes == 0 || (b[0] == 0 && memcmp(b, b + 1, bytes - 1) == 0);
}

// xorshift64*: repeatable by its seed.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Du;
  }
  size_t below(size_t n) { return static_cast<size_t>((next() >> 32) * n >> 32); }
  // Small sizes often, sizes of every magnitude up to `most` sometimes.
  size_t size(size_t most) {
    const size_t top = size_t{1} << below(static_cast<size_t>(std::bit_width(most)));
    return min_of(below(top * 2), most);
  }

 private:
  uint64_t state_;
};

// Random operations on one thread's blocks, whose contents it watches. Null is an answer; a block never gets lost:
// a failed realloc leaves it as it was.
template <class Heap>
class Churn {
 public:
  Churn(Heap& heap, uint64_t seed, size_t most) : heap_(heap), random_(seed), most_(most) {}
  ~Churn() { free_all(); }
  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;

  void step() {
    const size_t bytes = random_.size(random_.below(16) == 0 ? most_ : 3000);
    if (live_.size() < 2 || random_.below(80) > live_.size()) {
      const size_t align = size_t{1} << random_.below(random_.below(8) == 0 ? 22 : 6);
      switch (random_.below(3)) {
        case 0: return add(heap_.malloc(bytes), bytes);
        case 1: {
          void* p = heap_.calloc(bytes);
          EXPECT_TRUE(p == nullptr || all_zero(p, bytes));
          return add(p, bytes);
        }
        default: {
          void* p = heap_.aligned(bytes, align);
          EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % align, 0u);
          return add(p, bytes);
        }
      }
    }
    const size_t i = random_.below(live_.size());
    const Block old = live_[i];
    EXPECT_TRUE(filled(old.p, old.bytes, old.key)) << "somebody wrote into a live block";
    if (random_.below(3) != 0) {
      drop(i);
      return heap_.free(old.p);
    }
    void* p = heap_.realloc(old.p, bytes);
    if (p == nullptr) {
      ++nulls;
      EXPECT_TRUE(filled(old.p, old.bytes, old.key)) << "a failed realloc changed the block";
      return;
    }
    EXPECT_TRUE(filled(p, min_of(bytes, old.bytes), old.key)) << "realloc lost contents";
    drop(i);
    add(p, bytes);
  }
  void steps(int n) {
    while (n-- > 0) step();
  }
  void free_all() {
    for (const Block& b : live_) {
      EXPECT_TRUE(filled(b.p, b.bytes, b.key));
      heap_.free(b.p);
    }
    live_.clear();
  }
  size_t live() const { return live_.size(); }
  unsigned nulls = 0;

 private:
  struct Block {
    void* p;
    size_t bytes;
    uint64_t key;
  };
  void add(void* p, size_t bytes) {
    if (p == nullptr) {
      ++nulls;
      return;
    }
    EXPECT_GE(heap_.usable_size(p), bytes);
    fill(p, bytes, ++key_);
    live_.push_back({p, bytes, key_});
  }
  void drop(size_t i) {
    live_[i] = live_.back();
    live_.pop_back();
  }

  Heap& heap_;
  Random random_;
  size_t most_;
  uint64_t key_ = 0;
  std::vector<Block> live_;
};

}  // namespace masu::test
