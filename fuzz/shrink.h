// Makes a failing input smaller while the same rule stays broken: fewer operations, preemptions, failures, schedule bytes.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "fuzz/lanes.h"
#include "fuzz/mutator.h"

namespace masu::fuzz {

using ByteString = std::vector<uint8_t>;

// What makes two failures the same: verdict and words, but for those with digits in them. Empty: no rule is broken.
inline std::string signature(const NamedLane& lane, const ByteString& bytes) {
  const auto result = lane.run(decode(bytes.data(), bytes.size()));
  if (result.verdict == Scheduler::Verdict::kDone) return "";
  std::string all = verdict_name(result.verdict), word;
  std::istringstream words(result.reason);
  while (words >> word) {
    if (word.find_first_of("0123456789") == std::string::npos) all += " " + word;
  }
  return all;
}

inline ByteString shrink(const NamedLane& lane, ByteString bytes, const std::string& wanted) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (unsigned part = 0;;) {
      ByteString less(bytes.size() + 2 * kHeaderBytes);
      less.resize(without_part(bytes.data(), bytes.size(), part, less.data()));
      if (less.empty()) break;
      if (less != bytes && signature(lane, less) == wanted) {
        bytes = less;
        smaller = true;
      } else {
        ++part;
      }
    }
  }
  return bytes;
}

}  // namespace masu::fuzz
