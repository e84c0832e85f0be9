#include "tool/option_words.h"

#include <sstream>

namespace masu::tool {
namespace {

// A byte count with the largest unit that divides it: 64M, 512k, 0.
std::string bytes(int64_t n) {
  static constexpr const char* kUnits[] = {"", "k", "M", "G"};
  size_t unit = 0;
  while (n != 0 && n % 1024 == 0 && unit < 3) {
    n /= 1024;
    ++unit;
  }
  return std::to_string(n) + kUnits[unit];
}

std::string number(const OptionRow& row, int64_t n) {
  return row.type == OptionType::kBytes ? bytes(n) : std::to_string(n);
}

}  // namespace

std::string default_of(const OptionRow& row) {
  if (row.type == OptionType::kText) return "none";
  if (row.type != OptionType::kWord) return number(row, row.preset);
  std::istringstream words(row.words);
  std::string word;
  for (int64_t i = 0; i <= row.preset; ++i) std::getline(words, word, '|');
  return word;
}

std::string allowed_values(const OptionRow& row) {
  switch (row.type) {
    case OptionType::kWord:
      return row.words;
    case OptionType::kText:
      return "text";
    case OptionType::kBool:
      return "0|1";
    default:
      break;
  }
  if (row.max == INT64_MAX) return "from " + number(row, row.min);
  return number(row, row.min) + " to " + number(row, row.max);
}

}  // namespace masu::tool
