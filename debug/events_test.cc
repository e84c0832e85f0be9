// What a report of an internal fault says about the heap: its owners, and the last events of its threads.
#include "debug/events.h"

#include <gtest/gtest.h>

#include <barrier>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "debug/one_test_heap.h"

namespace masu::debug {
namespace {

std::vector<std::string> state() {
  static char buffer[1 << 16];
  ReportWriter w(buffer, sizeof(buffer), ReportWriter::kNoFile);
  write_state(w);
  std::vector<std::string> lines;
  std::istringstream text(std::string(w.data(), w.size()));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}
size_t count(const std::vector<std::string>& lines, const char* beginning) {
  return static_cast<size_t>(std::count_if(lines.begin(), lines.end(), [&](const auto& line) { return line.starts_with(beginning); }));
}

TEST(EventRingTest, KeepsTheNewest) {
  auto ring = std::make_unique<EventRing>();
  auto newest = [&](unsigned most) {
    std::vector<uintptr_t> all;
    ring->each(most, [&](const EventRing::Entry& e) { all.push_back(e.what); });
    return all;
  };
  EXPECT_TRUE(newest(8).empty());
  for (uintptr_t i = 0; i < 1000; ++i) {
    ring->note(kProgramFree, 0, i);
    const std::vector<uintptr_t> three = newest(3), all = newest(1000);
    ASSERT_EQ(three.size(), std::min<size_t>(i + 1, 3));
    for (size_t k = 0; k < three.size(); ++k) ASSERT_EQ(three[three.size() - 1 - k], i - k);
    ASSERT_EQ(all.size(), std::min<size_t>(i + 1, EventRing::kSize));
    for (size_t k = 0; k < all.size(); ++k) ASSERT_EQ(all[all.size() - 1 - k], i - k);
  }
}

TEST(EventsTest, OwnersAndThreadsUpToABound) {
  constexpr int kThreads = 40;
  void* mine = heap().malloc(24);
  std::barrier all_there(kThreads + 1), end(kThreads + 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      void* p = heap().malloc(24);
      all_there.arrive_and_wait();
      end.arrive_and_wait();
      heap().free(p);
    });
  }
  all_there.arrive_and_wait();
  heap().free(mine);
  const std::vector<std::string> lines = state();
  end.arrive_and_wait();
  for (std::thread& t : threads) t.join();

  char first[64];
  snprintf(first, sizeof(first), "The heap's owners (this is thread 0x%012zx):", static_cast<size_t>(RealSync::thread_id()));
  EXPECT_EQ(lines.front(), first);
  EXPECT_EQ(count(lines, "  owner "), 32u);
  EXPECT_EQ(count(lines, "  and "), 1u);
  EXPECT_EQ(lines[33], "  and 9 more");
  EXPECT_EQ(lines[34], "Last events, by thread, newest last:");
  EXPECT_EQ(count(lines, "  thread T"), 16u);
  EXPECT_EQ(lines[35].back(), ':');
  EXPECT_TRUE(lines[1].starts_with("  owner 1: leased by thread 0x")) << lines[1];
  EXPECT_EQ(lines[1].find("at work"), std::string::npos) << lines[1];
  EXPECT_NE(lines[1].find("; inbox empty"), std::string::npos) << lines[1];
}

TEST(EventsTest, EachEventHasItsOwnerAndPlace) {
  std::thread([] {
    for (int i = 0; i < 100; ++i) heap().free(heap().malloc(24));
    const std::vector<std::string> lines = state();
    EXPECT_GE(count(lines, "    free 0x"), 24u);
    EXPECT_EQ(count(lines, "    free owner"), 0u);
    void* p = heap().malloc(3000);
    const std::vector<std::string> after = state();
    EXPECT_EQ(count(after, "    refills owner "), count(after, "    refills"));
    heap().free(p);
  }).join();
}

}  // namespace
}  // namespace masu::debug
