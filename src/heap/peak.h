// The most there was since it last fell to half of that, and what it fell to.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.h"

namespace masu {

class Peak {
 public:
  void rise(size_t now) { most_ = max_of(most_, now); }
  // The same; whether `now` is, for the first time since the last fall, twice what was left, and by `least` more.
  bool rose(size_t now, size_t least) {
    rise(now);
    if (now <= left_ + max_of(left_, least)) return false;
    left_ = kNoFall;
    return true;
  }
  // Whether `now` is half of the most or less, and the most was worth it.
  bool halved(size_t now, size_t worth) const { return now <= most_ / 2 && most_ >= worth; }
  void fall(size_t now) { most_ = left_ = now; }

 private:
  static constexpr size_t kNoFall = SIZE_MAX / 4;
  size_t most_ = 0, left_ = kNoFall;
};

}  // namespace masu
