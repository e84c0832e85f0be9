#include "tool/conflicts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace masu::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ElfFacts plain() {
  ElfFacts facts;
  facts.is_elf = true;
  facts.interpreter = "/lib64/ld-linux-x86-64.so.2";
  facts.needed = {"libc.so.6"};
  return facts;
}

TEST(Conflicts, APlainProgramHasNone) { EXPECT_THAT(known_conflicts("/usr/bin/git", plain()), IsEmpty()); }

TEST(Conflicts, BrowsersAreNamed) {
  EXPECT_THAT(known_conflicts("/usr/bin/chromium", plain()), ElementsAre(HasSubstr("PartitionAlloc")));
  EXPECT_THAT(known_conflicts("/usr/bin/firefox-esr", plain()), ElementsAre(HasSubstr("mozjemalloc")));
}

TEST(Conflicts, AnAllocatorInsideIsNamed) {
  ElfFacts facts = plain();
  facts.definitions = {"main", "mi_malloc"};
  EXPECT_THAT(known_conflicts("app", facts), ElementsAre(HasSubstr("mimalloc")));
}

TEST(Conflicts, ALinkedAllocatorIsNamed) {
  ElfFacts facts = plain();
  facts.needed.push_back("libjemalloc.so.2");
  EXPECT_THAT(known_conflicts("app", facts), ElementsAre(HasSubstr("jemalloc")));
}

TEST(ElfFacts, OfThisProgram) {
  const ElfFacts facts = read_elf("/proc/self/exe");
  EXPECT_TRUE(facts.is_elf);
  EXPECT_THAT(facts.interpreter, HasSubstr("ld-linux"));
  EXPECT_THAT(facts.needed, testing::Contains("libc.so.6"));
}

TEST(ElfFacts, WhatIsNoElfHasNone) {
  EXPECT_FALSE(read_elf("/dev/null").is_elf);
  EXPECT_FALSE(read_elf("/nonexistent").is_elf);
}

}  // namespace
}  // namespace masu::tool
