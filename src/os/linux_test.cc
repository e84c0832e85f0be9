#include "os/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/bits.h"
#include "os/error_stream.h"
#include "os/test_refuse.h"

namespace masu {
namespace {

bool zero(const void* p, size_t bytes) {
  const auto* c = static_cast<const char*>(p);
  return std::all_of(c, c + bytes, [](char x) { return x == 0; });
}

// Whether a page answers, asked of the kernel.
bool mapped(void* p) {
  unsigned char in_core = 0;
  return mincore(p, LinuxOs{}.page_size(), &in_core) == 0;
}

TEST(LinuxOs, MapsAreAlignedZeroAndOfTheirSize) {
  LinuxOs os;
  const size_t page = os.page_size();
  for (size_t align : {size_t{1}, page, 64 * kKiB, 2 * kMiB, 4 * kMiB, size_t{32} * kMiB}) {
    for (size_t bytes : {page, 3 * page, 4 * kMiB}) {
      errno = 7;
      void* p = os.map(bytes, align);
      EXPECT_EQ(errno, 7);
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % std::max(align, page), 0u);
      EXPECT_TRUE(zero(p, bytes));
      memset(p, 1, bytes);
      os.unmap(p, bytes);
      EXPECT_FALSE(mapped(p));
    }
  }
}

// What over-mapping cost is given back: the neighbours of an aligned range are not ours.
TEST(LinuxOs, AlignedRangesAreTrimmed) {
  LinuxOs os;
  std::vector<void*> ranges;
  auto mapped_bytes = [] {
    size_t bytes = 0;
    FILE* f = fopen("/proc/self/statm", "r");
    if (fscanf(f, "%zu", &bytes) != 1) bytes = 0;
    fclose(f);
    return bytes * LinuxOs{}.page_size();
  };
  const size_t before = mapped_bytes();
  for (int i = 0; i < 32; ++i) ranges.push_back(os.reserve(4 * kMiB, 16 * kMiB));
  const size_t grown = mapped_bytes() - before;
  EXPECT_GE(grown, 32 * 4 * kMiB);
  EXPECT_LT(grown, 32 * 8 * kMiB);
  for (void* p : ranges) os.unmap(p, 4 * kMiB);
}

TEST(LinuxOs, ReservedThenCommittedPurgedDecommitted) {
  LinuxOs os;
  char* p = static_cast<char*>(os.reserve(4 * kMiB, 4 * kMiB));
  ASSERT_NE(p, nullptr);
  ASSERT_TRUE(os.commit(p + kMiB, kMiB));
  EXPECT_TRUE(zero(p + kMiB, kMiB));
  memset(p + kMiB, 5, kMiB);
  ASSERT_TRUE(os.purge(p + kMiB, 64 * kKiB));
  EXPECT_TRUE(zero(p + kMiB, 64 * kKiB));
  EXPECT_EQ(p[kMiB + 64 * kKiB], 5);
  os.huge(p, 4 * kMiB);
  ASSERT_TRUE(os.decommit(p + kMiB, kMiB));
  ASSERT_TRUE(os.commit(p + kMiB, kMiB));
  EXPECT_TRUE(zero(p + kMiB, kMiB));
  os.unmap(p, 4 * kMiB);
  errno = 7;
  EXPECT_FALSE(os.commit(p, kMiB));
  EXPECT_FALSE(os.purge(p, kMiB));
  EXPECT_EQ(errno, 7);
}

TEST(LinuxOs, ClaimTakesOnlyWhatIsFree) {
  LinuxOs os;
  char* p = static_cast<char*>(os.reserve(4 * kMiB, 2 * kMiB));
  EXPECT_FALSE(os.claim(p, 2 * kMiB));
  os.unmap(p, 2 * kMiB);
  EXPECT_FALSE(os.claim(p, 4 * kMiB)) << "half of it is somebody's";
  EXPECT_FALSE(mapped(p)) << "a refused claim must leave nothing behind";
  ASSERT_TRUE(os.claim(p, 2 * kMiB));
  EXPECT_TRUE(zero(p, 2 * kMiB));
  memset(p, 1, 2 * kMiB);
  EXPECT_FALSE(os.claim(p, 2 * kMiB));
  EXPECT_EQ(p[0], 1);
  os.unmap(p, 4 * kMiB);
}

TEST(LinuxOs, RemapKeepsContents) {
  LinuxOs os;
  char* p = static_cast<char*>(os.map(kMiB, kPage));
  memset(p, 9, kMiB);
  char* q = static_cast<char*>(os.remap(p, kMiB, 8 * kMiB));
  ASSERT_NE(q, nullptr);
  EXPECT_TRUE(std::all_of(q, q + kMiB, [](char c) { return c == 9; }));
  EXPECT_TRUE(zero(q + kMiB, 7 * kMiB));
  EXPECT_EQ(os.remap(q, 8 * kMiB, kMiB), q);
  EXPECT_EQ(q[kMiB - 1], 9);
  EXPECT_EQ(os.remap(q, kMiB, size_t{1} << 60), nullptr);
  EXPECT_EQ(q[0], 9);
  os.unmap(q, kMiB);
}

TEST(LinuxOs, ImpossibleRequestsFailQuietly) {
  LinuxOs os;
  errno = 7;
  EXPECT_EQ(os.map(size_t{1} << 62, kPage), nullptr);
  EXPECT_EQ(os.map(size_t{1} << 62, kMiB), nullptr);
  EXPECT_EQ(os.reserve(SIZE_MAX & ~(kPage - 1), 2 * kMiB), nullptr);
  EXPECT_EQ(os.map(kPage, size_t{1} << 63), nullptr);
  EXPECT_EQ(errno, 7);
}

TEST(LinuxOs, TheMachine) {
  LinuxOs os;
  EXPECT_EQ(os.page_size(), static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  EXPECT_GE(os.physical_memory(), 64 * kMiB);
  const uint64_t a = os.now_ms();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_GT(os.now_ms(), a);
  std::set<uint64_t> seen;
  for (int i = 0; i < 16; ++i) seen.insert(os.random());
  EXPECT_EQ(seen.size(), 16u);
}

TEST(LinuxOs, AddressSpaceLimitIsSeen) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{kGiB, kGiB};
    setrlimit(RLIMIT_AS, &limit);
    _exit(LinuxOs{}.address_space_limit() == kGiB ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Linux, ThreadIdsDifferAmongTheLiving) {
  const uint64_t mine = linux_thread_id();
  EXPECT_EQ(mine, linux_thread_id());
  uint64_t other = 0;
  std::thread([&] { other = linux_thread_id(); }).join();
  EXPECT_NE(mine, other);
}

TEST(Linux, WritesAllOfALongLine) {
  const std::string text(300'000, 'x');
  testing::internal::CaptureStderr();
  linux_write_error(text.data(), text.size());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), text);
}

// A reader that waits until the pipe is full, interrupts the writer and then takes all.
TEST(Linux, WritesAllThroughInterruptions) {
  std::string text;
  while (text.size() < 300'000) text += std::to_string(text.size()) + ' ';
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int full = fcntl(ends[1], F_SETPIPE_SZ, 65536);
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  struct sigaction before;
  sigaction(SIGUSR1, &action, &before);
  const int kept = dup(STDERR_FILENO);
  const pthread_t writer = pthread_self();
  std::string got;
  std::thread reader([&] {
    for (int held = 0; held < full;) {
      std::this_thread::yield();
      ioctl(ends[0], FIONREAD, &held);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // it sleeps by now
    pthread_kill(writer, SIGUSR1);
    char buffer[4096];
    for (ssize_t n; got.size() < text.size() && (n = read(ends[0], buffer, sizeof(buffer))) > 0;) got.append(buffer, static_cast<size_t>(n));
  });
  dup2(ends[1], STDERR_FILENO);
  EXPECT_TRUE(linux_write_all(STDERR_FILENO, text.data(), text.size()));
  dup2(kept, STDERR_FILENO);
  reader.join();
  EXPECT_TRUE(got == text);
  sigaction(SIGUSR1, &before, nullptr);
  for (const int fd : {ends[0], ends[1], kept}) close(fd);
}

TEST(Linux, TheErrorStreamIsKeptWhereTheProgramClosesIts) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    linux_keep_error_stream();
    close(STDERR_FILENO);
    linux_write_error("kept", 4);
    _exit(0);
  }
  close(ends[1]);
  char got[8] = {};
  EXPECT_EQ(read(ends[0], got, sizeof(got)), 4);
  EXPECT_STREQ(got, "kept");
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
  close(ends[0]);
}

// Where the kernel gives no random bytes, two looks from different places still differ.
[[gnu::noinline]] uint64_t random_from_deeper() {
  volatile char room[4096];
  room[0] = 1;
  const uint64_t r = LinuxOs{}.random();
  room[1] = room[0];
  return r;
}
TEST(LinuxOs, RandomWithoutTheKernelsHelp) {
  const pid_t child = fork();
  if (child == 0) {
    test::refuse_call(SYS_getrandom);
    const uint64_t a = LinuxOs{}.random();
    _exit(a != 0 && a != random_from_deeper() ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// In a mount namespace of its own a child says what the control groups are.
class ControlGroups {
 public:
  // The memory that a process sees with this /proc/self/cgroup and this limit file; 0 where no such child can be made.
  static size_t memory_with(const std::string& groups, const std::string& file, const std::string& limit) {
    int ends[2];
    if (pipe(ends) != 0) return 0;
    const pid_t child = fork();
    if (child == 0) {
      size_t seen = 0;
      if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
          mount("none", "/sys/fs/cgroup", "tmpfs", 0, nullptr) == 0) {
        std::filesystem::create_directories(std::filesystem::path("/sys/fs/cgroup" + file).parent_path());
        std::ofstream("/sys/fs/cgroup" + file) << limit << '\n';
        std::ofstream("/sys/fs/cgroup/groups") << groups;
        if (mount("/sys/fs/cgroup/groups", "/proc/self/cgroup", nullptr, MS_BIND, nullptr) == 0) seen = LinuxOs{}.physical_memory();
      }
      _exit(write(ends[1], &seen, sizeof(seen)) == sizeof(seen) ? 0 : 1);
    }
    size_t seen = 0;
    if (read(ends[0], &seen, sizeof(seen)) != sizeof(seen)) seen = 0;
    waitpid(child, nullptr, 0);
    close(ends[0]);
    close(ends[1]);
    return seen;
  }
};
TEST(LinuxOs, ControlGroupsLimitTheMemory) {
  const size_t all = LinuxOs{}.physical_memory();
  if (ControlGroups::memory_with("0::/\n", "/memory.max", "max") == 0) GTEST_SKIP() << "no namespace of our own can be had here";
  EXPECT_EQ(ControlGroups::memory_with("0::/a/b\n", "/a/b/memory.max", "123456789"), 123456789u);
  EXPECT_EQ(ControlGroups::memory_with("0::/a/b\n", "/a/b/memory.max", "9223372036854771712"), all);
  EXPECT_EQ(ControlGroups::memory_with("0::/a\n", "/b/memory.max", "123456789"), all);
  const char* old = "4:xmemory:/no\n3:memory:/a\n2:cpu:/no\n";
  EXPECT_EQ(ControlGroups::memory_with(old, "/memory/a/memory.limit_in_bytes", "23456789"), 23456789u);
  EXPECT_EQ(ControlGroups::memory_with(old, "/memory/no/memory.limit_in_bytes", "23456789"), all);
}

TEST(Linux, Environment) {
  setenv("MASU_LINUX_TEST", "yes", 1);
  EXPECT_STREQ(linux_environment("MASU_LINUX_TEST"), "yes");
  EXPECT_EQ(linux_environment("MASU_LINUX_TEST_NOT"), nullptr);
  EXPECT_FALSE(linux_secure_process());
}

}  // namespace
}  // namespace masu
