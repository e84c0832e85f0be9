// The state of each thread: its own while it lives, taken over later; and what is remembered of threads that ended.
#include "debug/threads.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <set>
#include <string>
#include <thread>

namespace masu::debug {
namespace {

// States are never given back: one for all tests. Threads' ends are noticed from the first use on.
Threads& threads() {
  static Threads* const t = [] {
    auto* made = new Threads;
    made->start();
    return made;
  }();
  return *t;
}

std::string name_of(uint32_t id) {
  ThreadName name;
  return threads().name_of(id, name) ? name.name : "(unknown)";
}

TEST(ThreadsTest, ThreadsThatLiveShareNoState) {
  ThreadState* const mine = threads().self();
  std::atomic<int> there{0};
  ThreadState* theirs[2];
  auto enter = [&](int i) {
    theirs[i] = threads().self();
    EXPECT_EQ(threads().self(), theirs[i]);
    for (++there; there < 2;) std::this_thread::yield();
  };
  std::thread a(enter, 0), b(enter, 1);
  a.join();
  b.join();
  EXPECT_EQ((std::set<ThreadState*>{mine, theirs[0], theirs[1]}.size()), 3u);
  EXPECT_EQ(threads().self(), mine);
  EXPECT_FALSE(mine->alone.load());
}

TEST(ThreadsTest, ALaterThreadTakesAStateOverAsIfItWereNew) {
  ThreadState *first = nullptr, *second = nullptr;
  uint32_t id = 0;
  std::thread([&] {
    first = threads().self();
    id = first->id;
    first->allocations = first->due = first->next_guard = first->next_look = 7;
    first->without_bytes = 7;
    EXPECT_EQ(first->serial(), uint64_t{id} << Record::kThreadShift | 7);
  }).join();
  std::thread([&] {
    second = threads().self();
    EXPECT_NE(second->id, id);
    EXPECT_EQ(second->tid, static_cast<uint32_t>(syscall(SYS_gettid)));
    EXPECT_EQ(second->allocations + second->due + second->next_guard + second->next_look + second->without_bytes, 0u);
  }).join();
  EXPECT_EQ(second, first);
}

// What one thread left in it is there for the next, though nothing else tells that it ended.
TEST(ThreadsTest, AStateThatIsTakenOverIsWhole) {
  std::atomic<ThreadState*> left{nullptr};
  ThreadState* taken = nullptr;
  std::thread a([&] {
    ThreadState* mine = threads().self();
    left.store(mine, std::memory_order_release);  // a new one is there as a whole
    mine->allocations = 7;
  });
  std::thread b([&] {
    const auto ended = [&] {
      const ThreadState* state = left.load(std::memory_order_acquire);
      return state != nullptr && !state->in_use.load(std::memory_order_relaxed);
    };
    while (!ended()) std::this_thread::yield();
    taken = threads().self();
    EXPECT_EQ(taken->allocations, 0u);
  });
  a.join();
  b.join();
  EXPECT_EQ(taken, left.load());
}

// Destructors of the program that run after ours allocate too: on a state of their own, since ours may be another thread's.
TEST(ThreadsTest, AfterItsEndAThreadIsAnother) {
  static uint32_t before, after;
  threads().start();
  pthread_key_t key;  // made later, so it ends later
  ASSERT_EQ(pthread_key_create(&key, [](void*) { after = threads().self()->id; }), 0);
  std::thread([&] {
    pthread_setspecific(key, &key);
    before = threads().self()->id;
  }).join();
  EXPECT_GT(after, before);
  pthread_key_delete(key);
}

TEST(ThreadsTest, TheThreadThatStartsThemEndsLikeOthers) {
  static Threads* const early = new Threads;
  std::thread([] {
    early->self();
    early->start();
  }).join();
  early->each([](ThreadState& t) { EXPECT_FALSE(t.in_use.load()); });
}

TEST(ThreadsTest, NamesAreTheKernelsNowAndAtTheEnd) {
  uint32_t id = 0;
  std::thread([&] {
    id = threads().self()->id;
    pthread_setname_np(pthread_self(), "early");
    EXPECT_EQ(name_of(id), "early");
    pthread_setname_np(pthread_self(), "late");
    EXPECT_EQ(name_of(id), "late");
  }).join();
  EXPECT_EQ(name_of(id), "late");
  EXPECT_EQ(name_of(id + 1), "(unknown)") << "nobody yet";
}

TEST(ThreadsTest, AfterAForkTheThreadHasTheNameOfTheChild) {
  ThreadState* const mine = threads().self();
  const pid_t child = fork();
  if (child == 0) {
    threads().fork_child();
    pthread_setname_np(pthread_self(), "child");
    _exit(mine->tid == static_cast<uint32_t>(getpid()) && name_of(mine->id) == "child" ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(ThreadsTest, ABlockIsForgottenWhereverItWasSeen) {
  auto state = std::make_unique<ThreadState>();
  constexpr size_t kStep = size_t{1} << ThreadState::kSeenShift;
  for (uintptr_t user : {16 * kStep, 16 * kStep + 16, 17 * kStep - 16, 300 * kStep}) {
    for (size_t size : {size_t{1}, kStep - 16, kStep, kStep + 16, 2 * kStep, 3 * kStep - 16, 40 * kStep, 1000 * kStep}) {
      for (SeenBlock& s : state->seen) s.size = 1;
      std::set<size_t> over;
      for (uintptr_t p = user; p <= user + size; ++p) over.insert((p / kStep) % ThreadState::kSeen);
      state->forget(user, size);
      for (size_t i = 0; i < ThreadState::kSeen; ++i) EXPECT_EQ(state->seen[i].size == 0, over.count(i) != 0) << user << ' ' << size << ' ' << i;
    }
  }
}

TEST(ThreadsTest, ASeenBlockReachesFromItsStartToItsEnd) {
  const SeenBlock seen = {0x1000, 24, 0, nullptr};
  EXPECT_TRUE(seen.reaches(0x1000, 24) && seen.reaches(0x1017, 1) && seen.reaches(0x1018, 0));
  EXPECT_FALSE(seen.reaches(0x1000, 25) || seen.reaches(0x1018, 1) || seen.reaches(0x1019, 0) || seen.reaches(0xfff, 1));
}

}  // namespace
}  // namespace masu::debug
