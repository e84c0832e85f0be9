// The heap's Os policy over a small world of pretended memory: no system call, fixed addresses, a clock and
// random numbers that repeat, and calls that fail when told to. Every range is accounted for, so that a leak,
// a use of a range that is not the heap's, or a second release of one stops the run.
// One world at a time; the policy value (FaultOs) is a name for it. Compiled uninstrumented.
//   page state: free -> reserved (inaccessible; poisoned for ASan) <-> committed (read/write, zero at first)
#pragma once

#include <cstddef>
#include <cstdint>

#include "fuzz/random.h"

namespace masu::fuzz {

enum class Call : uint8_t { kReserve, kClaim, kCommit, kDecommit, kPurge, kMap, kRemap, kHuge, kCount };

struct WorldConfig {
  size_t page_size = 4096;
  size_t physical_memory = size_t{1} << 20;
  size_t address_space_limit = SIZE_MAX;
  uint64_t seed = 0;
  bool crowded = false;  // strangers' mappings lie where the heap would claim
};

class World {
 public:
  static constexpr size_t kUnit = 4096;
  static constexpr uintptr_t kBase = 0x5880'0000'0000;  // with kClaims: free in every process, app memory to ASan and TSan
  static constexpr uintptr_t kClaims = kBase - (uintptr_t{2} << 40);  // where Arena::plan looks, given kBase
  static constexpr size_t kPages = 4096;                              // 16 MiB
  static constexpr size_t kClaimPages = 512;

  static World& get();

  // Everything free and forgotten; no failures, no budget.
  void reset(const WorldConfig& config);

  // Calls of the functions in `mask` fail: the n-th from now (1 = the next), and all later ones where `for_good`.
  void fail(uint32_t mask, uint32_t n, bool for_good);
  // Commits and maps fail beyond this many committed bytes.
  void set_budget(size_t bytes);
  void heal();
  void advance(uint64_t ms);

  size_t committed_bytes() const;
  size_t peak_bytes() const;
  bool has_failed() const;      // some call was refused on purpose or for want of room
  bool is_committed(uintptr_t at, size_t bytes) const;
  bool empty() const;       // every range has been given back

 private:
  friend struct FaultOs;
  enum State : uint8_t { kFree, kReserved, kCommitted, kStranger };
  struct Page {
    State state;
    bool first;   // an unmap may start here: where a mapping begins, and in all of a reserved range
    bool stale;   // holds bytes of an earlier life
  };

  World();
  Page* page(const void* at);
  Page* range(const void* at, size_t bytes, const char* what);  // stops where it is not all one of ours
  bool refuse(Call call);
  void* place(size_t pages, size_t align);
  bool commit(Page* first, size_t pages);
  void* address(const Page* p) const;
  void set(Page* first, size_t pages, State state);

  WorldConfig config_;
  Random random_{0};
  uint64_t now_ms_ = 0;
  uint32_t fail_mask_ = 0, fail_at_ = 0;
  bool fail_for_good_ = false, failed_ = false;
  size_t budget_ = SIZE_MAX, committed_ = 0, peak_ = 0, taken_ = 0;
  size_t low_ = 0;       // pages below it are in use
  size_t high_ = 0;      // those from here on are not
  size_t claim_high_ = 0;
  Page pages_[kPages + kClaimPages];
};

struct FaultOs {
  size_t page_size() const;
  void* reserve(size_t bytes, size_t align);
  bool claim(void* at, size_t bytes);
  bool commit(void* at, size_t bytes);
  bool decommit(void* at, size_t bytes);
  bool purge(void* at, size_t bytes);
  void* map(size_t bytes, size_t align);
  void unmap(void* at, size_t bytes);
  void* remap(void* at, size_t old_bytes, size_t new_bytes);
  void huge(void* at, size_t bytes);
  uint64_t now_ms();
  uint64_t random();
  size_t physical_memory();
  size_t address_space_limit();
};

}  // namespace masu::fuzz
