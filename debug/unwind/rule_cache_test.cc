#include "debug/unwind/rule_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace masu::debug {
namespace {

Rule rule_for(uintptr_t site) {
  Rule rule(RuleKind::kCfi);
  rule.set_cfa(false, static_cast<int64_t>(site & 0xffff) * 8);
  return rule;
}

TEST(RuleCache, ReturnsWhatWasPutAndForgetsByGeneration) {
  const auto cache = std::make_unique<RuleCache>();
  EXPECT_EQ(cache->find(0x1234, 0).kind(), RuleKind::kNone);
  cache->put(0x1234, 0, rule_for(0x1234));
  EXPECT_EQ(cache->find(0x1234, 0).word(), rule_for(0x1234).word());
  EXPECT_EQ(cache->find(0x1234, 1).kind(), RuleKind::kNone);
  EXPECT_EQ(cache->find(0x1235, 0).kind(), RuleKind::kNone);
}

TEST(RuleCache, NeverReturnsTheRuleOfAnotherSiteHoweverManyWrite) {
  const auto cache = std::make_unique<RuleCache>();
  std::atomic<size_t> wrong{0};
  std::atomic<size_t> hits{0};
  const auto work = [&](uintptr_t salt) {
    for (uintptr_t i = 0; i < 400000; ++i) {
      const uintptr_t site = 0x400000 + (i * 7919 + salt) % (2 * RuleCache::kEntries);  // more than fit
      const Rule found = cache->find(site, 3);
      if (found.kind() == RuleKind::kNone) {
        cache->put(site, 3, rule_for(site));
      } else {
        ++hits;
        wrong += found.word() != rule_for(site).word();
      }
    }
  };
  std::vector<std::thread> threads;
  for (uintptr_t t = 0; t < 4; ++t) threads.emplace_back(work, t * 131);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(hits, 0u);
}

}  // namespace
}  // namespace masu::debug
