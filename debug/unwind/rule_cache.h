// Remembers the rule of a call site, for all threads, without locks: repeated stacks cost two loads a frame.
// An entry is two words, the rule and key ^ rule; a torn or stale entry fails the comparison and is a miss,
// so every access may be relaxed. All zero is empty. The key holds the generation: a new one forgets
// everything.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "debug/unwind/rule.h"

namespace masu::debug {

class RuleCache {
 public:
  static constexpr size_t kEntries = size_t{1} << 16;

  // RuleKind::kNone if unknown.
  Rule find(uintptr_t site, uint64_t generation) const {
    const Entry* pair = &entries_[slot(site)];
    const uint64_t key = key_of(site, generation);
    for (unsigned way = 0; way < kWays; ++way) {
      // relaxed: the words vouch for each other, see above.
      const uint64_t rule = pair[way].rule.load(std::memory_order_relaxed);
      if ((pair[way].check.load(std::memory_order_relaxed) ^ rule) == key) return Rule::from_word(rule);
    }
    return Rule(RuleKind::kNone);
  }

  // The newest comes first and pushes the one before to the second way.
  void put(uintptr_t site, uint64_t generation, Rule rule) {
    Entry* pair = &entries_[slot(site)];
    // relaxed: as in find(); two writers that mix their words make an entry that matches no key.
    const uint64_t old_rule = pair[0].rule.load(std::memory_order_relaxed);
    const uint64_t old_check = pair[0].check.load(std::memory_order_relaxed);
    pair[1].rule.store(old_rule, std::memory_order_relaxed);
    pair[1].check.store(old_check, std::memory_order_relaxed);
    pair[0].rule.store(rule.word(), std::memory_order_relaxed);
    pair[0].check.store(key_of(site, generation) ^ rule.word(), std::memory_order_relaxed);
  }

 private:
  static constexpr size_t kWays = 2;
  struct Entry {
    std::atomic<uint64_t> check;
    std::atomic<uint64_t> rule;
  };

  static size_t slot(uintptr_t site) {
    return static_cast<size_t>((site * 0x9e3779b97f4a7c15u) >> 48) & (kEntries - kWays);
  }
  // Sites are below 2^57 and never 0, so no empty entry matches before 2^57 generations.
  static uint64_t key_of(uintptr_t site, uint64_t generation) {
    return site ^ (generation * 0x9e3779b97f4a7c15u);
  }

  alignas(64) Entry entries_[kEntries] = {};
};

}  // namespace masu::debug
