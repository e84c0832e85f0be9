// Linux behind a switchboard, for tests of the heap.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>

#include "base/bits.h"
#include "os/linux.h"

namespace masu::test {

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
  std::atomic<size_t> asked_huge{0};           // bytes for which huge pages were asked
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
  void* remap(void* at, size_t old_bytes, size_t new_bytes) {
    check("remap", at, old_bytes);
    check("remap", nullptr, new_bytes);
    if (failing(OsCall::kRemap, new_bytes > old_bytes ? new_bytes - old_bytes : 0)) return nullptr;
    // Linux moves to multiples of its own page: a larger one is moved to by hand.
    const bool by_hand = page != linux_.page_size();
    void* p = by_hand ? linux_.map(new_bytes, page) : linux_.remap(at, old_bytes, new_bytes);
    if (p != nullptr && by_hand) {
      memcpy(p, at, min_of(old_bytes, new_bytes));
      linux_.unmap(at, old_bytes);
    }
    if (p != nullptr) mapped_ += new_bytes - old_bytes;
    return p;
  }
  void huge(void* at, size_t bytes) {
    check("huge", at, bytes);
    asked_huge += bytes;
  }
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

}  // namespace masu::test
