// The lines "masu: name=value" that a process on masu leaves on stderr at its end (MASU_OPTIONS=stats=1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace masu::tool {

class StatLines {
 public:
  // Whether the line is a statistic, then added to those of the same name: processes are summed.
  bool take(std::string_view line);

  bool empty() const { return sums_.empty(); }
  // In the order of their first appearance.
  const std::vector<std::pair<std::string, uint64_t>>& sums() const { return sums_; }
  // How often the most frequent name came: processes that reported.
  uint64_t processes() const;

 private:
  std::vector<std::pair<std::string, uint64_t>> sums_;
  std::vector<uint64_t> times_;  // parallel to sums_
};

// The sums as aligned text, without counters that stayed 0, or as one JSON object with all of them.
std::string as_table(const StatLines& lines);
std::string as_json(const StatLines& lines);

}  // namespace masu::tool
