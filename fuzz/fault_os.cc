#include "fuzz/fault_os.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/scheduler.h"
#include "fuzz/weak_model.h"

extern "C" {
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* at, size_t bytes);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* at, size_t bytes);
[[gnu::weak]] void __tsan_acquire(void* address);
[[gnu::weak]] void __tsan_release(void* address);
}

namespace masu::fuzz {
namespace {

void map_fixed(uintptr_t at, size_t bytes) {
  void* p = mmap(reinterpret_cast<void*>(at), bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (p != reinterpret_cast<void*>(at)) {
    std::fprintf(stderr, "world: the range at %#zx is taken; nothing else may map there\n", size_t{at});
    std::abort();
  }
  if (__asan_poison_memory_region != nullptr) __asan_poison_memory_region(p, bytes);
}

// Opaque, so that it stays no memset, which TSan would take for the program's: the kernel's zeroes are no race.
void zero(void* at) {
  auto* words = static_cast<uint64_t*>(at);
  for (size_t i = 0; i < World::kUnit / sizeof(uint64_t); i += 8) {
    for (size_t k = i; k < i + 8; ++k) words[k] = 0;
    asm volatile("" : : "r"(words) : "memory");
  }
}

size_t units(size_t bytes) { return (bytes + World::kUnit - 1) / World::kUnit; }

}  // namespace

World::World() {
  map_fixed(kBase, kPages * kUnit);
  map_fixed(kClaims, kClaimPages * kUnit);
  std::memset(pages_, 0, sizeof pages_);
}

World& World::get() {
  static World* const world = new World;
  return *world;
}

void World::reset(const WorldConfig& config) {
  if (!empty() || config_.crowded) {
    set(pages_, high_, kFree);
    set(pages_ + kPages, claim_high_, kFree);
  }
  config_ = config;
  random_ = Random(config.seed);
  now_ms_ = 1000;
  heal();
  failed_ = false;
  low_ = high_ = claim_high_ = taken_ = committed_ = peak_ = 0;
  if (config.crowded) {
    claim_high_ = kClaimPages;
    for (size_t i = kPages + 16; i < kPages + 80; ++i) pages_[i].state = kStranger;
  }
}

void* World::address(const Page* p) const {
  const auto i = static_cast<size_t>(p - pages_);
  return reinterpret_cast<void*>(i < kPages ? kBase + i * kUnit : kClaims + (i - kPages) * kUnit);
}

World::Page* World::page(const void* at) {
  const auto a = reinterpret_cast<uintptr_t>(at);
  if (a % kUnit != 0) return nullptr;
  if (a - kBase < kPages * kUnit) return &pages_[(a - kBase) / kUnit];
  if (a - kClaims < kClaimPages * kUnit) return &pages_[kPages + (a - kClaims) / kUnit];
  return nullptr;
}

// The one place where pages change: keeps the sums, the shadow and the marks of stale bytes. The kernel orders
// the end of a mapping before the next one there.
void World::set(Page* first, size_t pages, State state) {
  if (state == kCommitted && __asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(address(first), pages * kUnit);
  Page* begin = first + pages;  // of what was committed
  Page* end = first;
  for (Page* p = first; p < first + pages; ++p) {
    if (p->state == state) continue;
    if (p->state == kCommitted) {
      --committed_;
      begin = std::min(begin, p);
      end = p + 1;
      if (__tsan_release != nullptr) __tsan_release(p);
    }
    if (p->state == kFree) ++taken_;
    if (state == kFree) {
      --taken_;
      p->first = false;
    }
    if (state == kCommitted) {
      ++committed_;
      if (__tsan_acquire != nullptr) __tsan_acquire(p);
      if (p->stale) zero(address(p));
      p->stale = true;
    }
    p->state = state;
  }
  if (begin < end && __asan_poison_memory_region != nullptr) {
    __asan_poison_memory_region(address(begin), static_cast<size_t>(end - begin) * kUnit);
  }
  peak_ = std::max(peak_, committed_);
  if (state == kFree) low_ = std::min(low_, static_cast<size_t>(first - pages_));
}

World::Page* World::range(const void* at, size_t bytes, const char* what) {
  Page* p = page(at);
  Page* last = bytes == 0 ? p : page(static_cast<const char*>(at) + (units(bytes) - 1) * kUnit);
  bool good = p != nullptr && last != nullptr && bytes % config_.page_size == 0 &&
              reinterpret_cast<uintptr_t>(at) % config_.page_size == 0;
  for (Page* q = p; good && q <= last; ++q) good = q->state == kReserved || q->state == kCommitted;
  if (!good) Scheduler::get().stop(what);
  return p;
}

bool World::is_committed(uintptr_t at, size_t bytes) const {
  const Page* p = const_cast<World*>(this)->page(reinterpret_cast<void*>(at & ~(kUnit - 1)));
  const Page* last = const_cast<World*>(this)->page(reinterpret_cast<void*>((at + bytes - 1) & ~(kUnit - 1)));
  if (p == nullptr || last == nullptr || at + bytes < at) return false;
  for (; p <= last; ++p) {
    if (p->state != kCommitted) return false;
  }
  return true;
}

void World::fail(uint32_t mask, uint32_t n, bool for_good) {
  fail_mask_ = n == 0 ? 0 : mask;
  fail_at_ = n;
  fail_for_good_ = for_good;
}

void World::set_budget(size_t bytes) { budget_ = bytes / kUnit; }
void World::heal() {
  fail_mask_ = 0;
  budget_ = SIZE_MAX;
}
void World::advance(uint64_t ms) { now_ms_ += ms; }
size_t World::committed_bytes() const { return committed_ * kUnit; }
size_t World::peak_bytes() const { return peak_ * kUnit; }
bool World::has_failed() const { return failed_; }
bool World::empty() const { return taken_ == 0; }

bool World::refuse(Call call) {
  if ((fail_mask_ >> static_cast<unsigned>(call) & 1) == 0) return false;
  if (fail_at_ > 1) {
    --fail_at_;
    return false;
  }
  if (!fail_for_good_) fail_mask_ = 0;
  return failed_ = true;
}

// First fit, lowest address.
void* World::place(size_t pages, size_t align) {
  if (pages == 0) Scheduler::get().stop("a mapping of no bytes");
  align = std::max(align, config_.page_size) / kUnit;
  while (low_ < kPages && pages_[low_].state != kFree) ++low_;
  for (size_t at = (low_ + align - 1) & ~(align - 1); at + pages <= kPages;) {
    size_t n = 0;
    while (n < pages && pages_[at + n].state == kFree) ++n;
    if (n == pages) {
      high_ = std::max(high_, at + pages);
      return address(&pages_[at]);
    }
    at = (at + n + align) & ~(align - 1);
  }
  failed_ = true;
  return nullptr;
}

bool World::commit(Page* first, size_t pages) {
  size_t more = 0;
  for (size_t i = 0; i < pages; ++i) more += first[i].state != kCommitted;
  if (committed_ + more > budget_) {
    failed_ = true;
    return false;
  }
  set(first, pages, kCommitted);
  if (more != 0) WeakModel::get().forget(address(first), pages * kUnit);
  return true;
}

size_t FaultOs::page_size() const { return World::get().config_.page_size; }

void* FaultOs::reserve(size_t bytes, size_t align) {
  World& w = World::get();
  if (w.refuse(Call::kReserve) || bytes > World::kPages * World::kUnit) return nullptr;
  void* p = w.place(units(bytes), align);
  if (p == nullptr) return nullptr;
  World::Page* first = w.page(p);
  w.set(first, units(bytes), World::kReserved);
  return p;
}

bool FaultOs::claim(void* at, size_t bytes) {
  World& w = World::get();
  if (w.refuse(Call::kClaim)) return false;
  World::Page* p = w.page(at);
  if (p == nullptr || w.page(static_cast<char*>(at) + bytes - World::kUnit) == nullptr) {
    w.failed_ = true;
    return false;
  }
  for (size_t i = 0; i < units(bytes); ++i) {
    if (p[i].state != World::kFree) return false;
  }
  if (!w.commit(p, units(bytes))) return false;
  p->first = true;
  w.claim_high_ = World::kClaimPages;
  return true;
}

bool FaultOs::commit(void* at, size_t bytes) {
  World& w = World::get();
  World::Page* p = w.range(at, bytes, "commit of a range that is not reserved");
  return !w.refuse(Call::kCommit) && w.commit(p, units(bytes));
}

bool FaultOs::decommit(void* at, size_t bytes) {
  World& w = World::get();
  World::Page* p = w.range(at, bytes, "decommit of a range that is not reserved");
  if (w.refuse(Call::kDecommit)) return false;
  w.set(p, units(bytes), World::kReserved);
  return true;
}

bool FaultOs::purge(void* at, size_t bytes) {
  World& w = World::get();
  w.range(at, bytes, "purge of a range that is not reserved");
  if (!w.is_committed(reinterpret_cast<uintptr_t>(at), bytes)) {
    Scheduler::get().stop("purge of a range that is not committed");
  }
  if (w.refuse(Call::kPurge)) return false;
  std::memset(at, 0, bytes);
  WeakModel::get().forget(at, bytes);
  return true;
}

void* FaultOs::map(size_t bytes, size_t align) {
  World& w = World::get();
  if (w.refuse(Call::kMap)) return nullptr;
  if (bytes > World::kPages * World::kUnit || align > World::kPages * World::kUnit) {
    w.failed_ = true;
    return nullptr;
  }
  void* p = w.place(units(bytes), align);
  if (p == nullptr || !w.commit(w.page(p), units(bytes))) return nullptr;
  w.page(p)->first = true;
  return p;
}

void FaultOs::unmap(void* at, size_t bytes) {
  World& w = World::get();
  World::Page* p = w.range(at, bytes, "unmap of a range that is not mapped");
  w.set(p, units(bytes), World::kFree);
}

void* FaultOs::remap(void* at, size_t old_bytes, size_t new_bytes) {
  World& w = World::get();
  World::Page* p = w.range(at, old_bytes, "remap of a range that is not mapped");
  if (w.refuse(Call::kRemap)) return nullptr;
  const size_t old_pages = units(old_bytes), pages = units(new_bytes);
  for (size_t i = 1; i < old_pages; ++i) {
    if (p[i].first) return nullptr;  // as Linux does with a range of two mappings
  }
  if (pages <= old_pages) {
    w.set(p + pages, old_pages - pages, World::kFree);
    return at;
  }
  if (new_bytes > World::kPages * World::kUnit) return nullptr;
  bool room = static_cast<size_t>(p - w.pages_) + pages <= World::kPages;
  for (size_t i = old_pages; room && i < pages; ++i) room = p[i].state == World::kFree;
  if (room && w.random_.below(2) == 0) {
    if (!w.commit(p + old_pages, pages - old_pages)) return nullptr;
    w.high_ = std::max(w.high_, static_cast<size_t>(p - w.pages_) + pages);
    return at;
  }
  void* to = map(new_bytes, w.config_.page_size);
  if (to == nullptr) return nullptr;
  std::memcpy(to, at, old_bytes);
  unmap(at, old_bytes);
  return to;
}

void FaultOs::huge(void* at, size_t bytes) {
  World::get().range(at, bytes, "huge pages for a range that is not mapped");
}

uint64_t FaultOs::now_ms() { return World::get().now_ms_; }
uint64_t FaultOs::random() { return World::get().random_.next(); }
size_t FaultOs::physical_memory() { return World::get().config_.physical_memory; }
size_t FaultOs::address_space_limit() { return World::get().config_.address_space_limit; }

}  // namespace masu::fuzz
