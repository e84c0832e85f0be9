#include "debug/format_texts.h"

#include <gtest/gtest.h>

#include <string>

namespace masu::debug {
namespace {

// The texts found, each with its bound where it has one.
std::string found(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const FormatTexts texts = texts_of(format, arguments);
  const FormatTexts again = texts_of(format, arguments);
  va_end(arguments);
  EXPECT_EQ(texts.count, again.count) << "the caller's arguments were used up";
  std::string all;
  for (unsigned i = 0; i < texts.count; ++i) {
    all += texts.text[i].begin;
    if (texts.text[i].most != PTRDIFF_MAX) all += "<" + std::to_string(texts.text[i].most);
    all += ";";
  }
  return all;
}

TEST(FormatTexts, FindsTextsBetweenEverythingElse) {
  EXPECT_EQ(found("plain"), "");
  EXPECT_EQ(found("%s", "a"), "a;");
  EXPECT_EQ(found("100%% %s%m %s", "a", "b"), "a;b;");
  EXPECT_EQ(found("%d %5.2f %s %c %p %lu %Lf %s", 1, 2.5, "a", 'c', nullptr, 7ul, 3.5L, "b"), "a;b;");
  EXPECT_EQ(found("%-10s|%*s|%zu|%hhd|%lld|%s", "a", 8, "b", size_t{1}, 2, 3ll, "c"), "a;b;c;");
  EXPECT_EQ(found("%ls %s", L"wide", "a"), "a;");
}

TEST(FormatTexts, Precisions) {
  EXPECT_EQ(found("%.3s %.*s %.s %.*s", "a", 7, "b", "c", -1, "d"), "a<3;b<7;c<0;d;");
  EXPECT_EQ(found("%8.0s", "a"), "a<0;");
}

TEST(FormatTexts, EndsWhereItKnowsNoMore) {
  EXPECT_EQ(found("%s %y %s", "a", "b"), "a;");
  EXPECT_EQ(found("%2$s %1$s", "a", "b"), "");
  EXPECT_EQ(found("%s %", "a"), "a;");
  EXPECT_EQ(found("%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f", "g", "h"),
            "1;2;3;4;5;6;7;8;9;a;b;c;d;e;f;g;");
}

}  // namespace
}  // namespace masu::debug
