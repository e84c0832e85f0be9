#include "debug/suppressions.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace masu::debug {
namespace {

struct File {
  std::string path = testing::TempDir() + "/suppressions." + std::to_string(getpid());
  explicit File(const char* text) { std::ofstream(path) << text; }
  ~File() { unlink(path.c_str()); }
};

bool matches(const char* text) {
  File file(text);
  static Suppressions s;
  s = {};
  s.read(file.path.c_str());
  // Asked of libc itself: the program's own idea of the address may be a stub in the program.
  void* libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  const uintptr_t sites[] = {16, reinterpret_cast<uintptr_t>(dlsym(libc, "qsort")) + 1};
  const bool any = s.match(sites, 2);
  EXPECT_EQ(s.match(sites + 1, 1), any) << "the first frame counts as others do";
  return any;
}

TEST(SuppressionsTest, ByModuleAndFunction) {
  EXPECT_TRUE(matches("libc.so.6\n"));
  EXPECT_TRUE(matches("# known since long\n  qsort   # in libc\n"));
  EXPECT_TRUE(matches("something\nlibc.so.6"));
  EXPECT_FALSE(matches("libm.so.6\nqsor\nqsort_s\n"));
  EXPECT_FALSE(matches("# libc.so.6\n\n\n"));
}

TEST(SuppressionsTest, OptionTextEndsAtTheColon) {
  char out[8];
  copy_option("abc:def", out, sizeof(out));
  EXPECT_STREQ(out, "abc");
  for (const char* too_long : {"far too long", "by a NUL"}) {
    copy_option(too_long, out, sizeof(out));
    EXPECT_STREQ(out, "");
  }
  copy_option("it fits", out, sizeof(out));
  EXPECT_STREQ(out, "it fits");
  copy_option(nullptr, out, sizeof(out));
  EXPECT_STREQ(out, "");
}

}  // namespace
}  // namespace masu::debug
