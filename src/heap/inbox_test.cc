#include "heap/inbox.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "heap/test_lanes.h"

namespace masu {
namespace {

struct alignas(16) Node {
  uintptr_t link;
  uintptr_t payload;
};
uintptr_t address(Node& n) { return reinterpret_cast<uintptr_t>(&n); }

TEST(Inbox, NewestChainFirstAndTheRestBehindIt) {
  const LinkCodec links(99);
  Inbox<test::NativeSync> inbox;
  std::vector<Node> nodes(5);
  EXPECT_TRUE(inbox.empty());
  EXPECT_EQ(inbox.drain(), 0u);
  inbox.push(links, address(nodes[0]), address(nodes[0]));
  links.set(address(nodes[1]), address(nodes[2]));
  inbox.push(links, address(nodes[1]), address(nodes[2]));
  EXPECT_FALSE(inbox.empty());
  EXPECT_EQ(inbox.peek(), address(nodes[1]));
  uintptr_t p = inbox.drain();
  for (unsigned i : {1u, 2u, 0u}) {
    EXPECT_EQ(p, address(nodes[i]));
    p = links.get(p);
  }
  EXPECT_EQ(p, 0u);
  EXPECT_TRUE(inbox.empty());
}

// Producers push chains of their own nodes again and again, as soon as the consumer has let go of them.
// Nothing is lost, nothing comes twice, and what was written before a push is there after its drain.
TEST(Inbox, ManyProducersOneConsumer) {
  constexpr unsigned kProducers = 4, kNodes = 64, kRounds = 400;
  const LinkCodec links(99);
  Inbox<test::NativeSync> inbox;
  std::vector<std::vector<Node>> nodes(kProducers, std::vector<Node>(kNodes));
  std::vector<std::atomic<unsigned>> returned(kProducers);
  std::vector<std::thread> producers;
  for (unsigned t = 0; t < kProducers; ++t) {
    producers.emplace_back([&, t] {
      for (unsigned round = 1; round <= kRounds; ++round) {
        for (unsigned i = 0; i < kNodes;) {
          const unsigned length = 1 + (round + i) % 7, end = min_of(i + length, kNodes);
          for (unsigned j = i; j < end; ++j) {
            nodes[t][j].payload = (uintptr_t{t} << 32) + round;
            if (j + 1 < end) links.set(address(nodes[t][j]), address(nodes[t][j + 1]));
          }
          inbox.push(links, address(nodes[t][i]), address(nodes[t][end - 1]));
          i = end;
        }
        while (returned[t].load(std::memory_order_acquire) < round * kNodes) std::this_thread::yield();
      }
    });
  }
  for (unsigned seen = 0; seen < kProducers * kNodes * kRounds;) {
    for (uintptr_t p = inbox.drain(); p != 0; ++seen) {
      const Node& n = *reinterpret_cast<Node*>(p);
      const auto t = static_cast<unsigned>(n.payload >> 32);
      ASSERT_LT(t, kProducers);
      ASSERT_EQ(static_cast<unsigned>(n.payload), returned[t].load(std::memory_order_relaxed) / kNodes + 1);
      p = links.get(p);
      returned[t].fetch_add(1, std::memory_order_release);
    }
    std::this_thread::yield();
  }
  for (std::thread& t : producers) t.join();
  EXPECT_TRUE(inbox.empty());
}

}  // namespace
}  // namespace masu
