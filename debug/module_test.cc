// Which loaded object an address belongs to, and its build-id.
#include "debug/module.h"

#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <link.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "debug/places.h"

namespace masu::debug {
namespace {

std::string build_id(const Module& m) { return {reinterpret_cast<const char*>(m.build_id), m.build_id_bytes}; }
uintptr_t of_libm() { return reinterpret_cast<uintptr_t>(dlsym(dlopen("libm.so.6", RTLD_NOW), "cos")); }

TEST(ModuleTest, AnAddressOfALibrary) {
  const uintptr_t site = of_libm();
  Dl_info info;
  ASSERT_NE(dladdr(reinterpret_cast<void*>(site), &info), 0);
  Module m;
  ASSERT_TRUE(find_module(site, m));
  EXPECT_STREQ(m.path, info.dli_fname);
  EXPECT_EQ(m.bias, reinterpret_cast<uintptr_t>(info.dli_fbase));
  EXPECT_LE(m.begin, site);
  uintptr_t begin = 0, end = 0;
  ASSERT_TRUE(find_mapping_bounds(m.end - 1, begin, end)) << "its last byte is mapped";
  EXPECT_GE(m.end, site);
  EXPECT_NE(m.unwind_header, 0u);
  EXPECT_FALSE(find_module(m.end + (uintptr_t{1} << 40), m));
}

TEST(ModuleTest, TheProgramHasNoPathButAFile) {
  Module m;
  ASSERT_TRUE(find_module(reinterpret_cast<uintptr_t>(&of_libm), m));
  EXPECT_STREQ(m.path, "");
  char path[4096], expected[4096] = {};
  ASSERT_GT(readlink("/proc/self/exe", expected, sizeof(expected) - 1), 0);
  EXPECT_STREQ(program_path(path, sizeof(path)), expected);
  EXPECT_EQ(std::string(program_path(path, 6)), std::string(expected, 5));
}

TEST(ModuleTest, WhereTheKernelDoesNotTellErrnoStays) {
  char room[1];
  errno = 1234;
  EXPECT_STREQ(program_path(room, sizeof(room)), "?");
  EXPECT_STREQ(program_path(room, 0), "?");
  EXPECT_EQ(errno, 1234);
}

// A copy of libm whose notes have changed places, so that one of another kind comes first.
TEST(ModuleTest, TheBuildIdNeedNotBeTheFirstNote) {
  Module m;
  ASSERT_TRUE(find_module(of_libm(), m));
  std::ifstream in(m.path, std::ios::binary);
  std::vector<char> file{std::istreambuf_iterator<char>(in), {}};
  const std::string id = build_id(m);
  ASSERT_EQ(id.size(), 20u);
  const auto at = std::search(file.begin(), file.end(), id.begin(), id.end());
  ASSERT_NE(at, file.end());
  constexpr size_t kHead = sizeof(ElfW(Nhdr)) + 4, kOther = kHead + 16;  // behind it: the ABI tag, four words
  ElfW(Nhdr) other;
  memcpy(&other, &*at + 20, sizeof(other));
  if (other.n_type != NT_GNU_ABI_TAG || other.n_descsz != 16) GTEST_SKIP() << "another linker's notes";
  std::rotate(at - kHead, at + 20, at + 20 + kOther);
  const std::string copy = testing::TempDir() + "/notes-" + std::to_string(getpid()) + ".so";
  std::ofstream(copy, std::ios::binary).write(file.data(), static_cast<std::streamsize>(file.size()));
  void* library = dlopen(copy.c_str(), RTLD_NOW);
  ASSERT_NE(library, nullptr) << dlerror();
  Module changed;
  ASSERT_TRUE(find_module(reinterpret_cast<uintptr_t>(dlsym(library, "cos")), changed));
  EXPECT_EQ(changed.path, copy);
  EXPECT_EQ(build_id(changed), id);
  dlclose(library);
  unlink(copy.c_str());
}

}  // namespace
}  // namespace masu::debug
