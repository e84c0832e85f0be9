#include "tool/stat_lines.h"

#include <algorithm>
#include <charconv>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

namespace masu::tool {

bool StatLines::take(std::string_view line) {
  constexpr std::string_view kMark = "masu: ";
  if (!line.starts_with(kMark)) return false;
  line.remove_prefix(kMark.size());
  const size_t equals = line.find('=');
  if (equals == line.npos || equals == 0) return false;
  const std::string_view name = line.substr(0, equals), digits = line.substr(equals + 1);
  if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") != name.npos) return false;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return false;
  auto at = std::find_if(sums_.begin(), sums_.end(), [&](const auto& sum) { return sum.first == name; });
  if (at == sums_.end()) {
    sums_.emplace_back(name, value);
    times_.push_back(1);
  } else {
    at->second += value;
    ++times_[static_cast<size_t>(at - sums_.begin())];
  }
  return true;
}

uint64_t StatLines::processes() const {
  return times_.empty() ? 0 : *std::max_element(times_.begin(), times_.end());
}

std::string as_table(const StatLines& lines) {
  std::ostringstream out;
  out << "masu statistics of " << lines.processes()
      << (lines.processes() == 1 ? " process\n" : " processes\n");
  for (const auto& [name, value] : lines.sums()) {
    if (value != 0)
      out << "  " << std::left << std::setw(20) << name << std::right << std::setw(16) << value << "\n";
  }
  return out.str();
}

std::string as_json(const StatLines& lines) {
  nlohmann::ordered_json object{{"processes", lines.processes()}};
  for (const auto& [name, value] : lines.sums()) object[name] = value;
  return object.dump(2) + "\n";
}

}  // namespace masu::tool
