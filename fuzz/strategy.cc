// Compiled without any sanitizer or coverage, as scheduler.cc is.
#include "fuzz/strategy.h"

#include <bit>

#include "fuzz/explore.h"

namespace masu::fuzz {
namespace {

unsigned first_of(unsigned mask) { return static_cast<unsigned>(std::countr_zero(mask)); }

}  // namespace

unsigned Anchored::next(const Moment& m) {
  if (!m.forced) {
    for (Preemption& p : preemptions_) {
      if (p.operation != m.operation || p.yield != m.yield || p.to == m.current) continue;
      if ((m.runnable >> p.to & 1) == 0) continue;
      p.operation = UINT32_MAX;
      guest_ = p.to;
      left_ = p.hold == 0 ? UINT32_MAX : p.hold + 1;  // + 1: the guest may arrive at its first operation
      return guest_;
    }
    if (guest_ == m.current && (m.access != Access::kOperation || --left_ != 0)) return guest_;
    if (m.access != Access::kOperation) return m.current;
  }
  guest_ = kHost;
  unsigned earliest = first_of(m.runnable);
  for (unsigned t = earliest + 1; t < kMaxThreads; ++t) {
    if ((m.runnable >> t & 1) != 0 && m.begun[t] < m.begun[earliest]) earliest = t;
  }
  return earliest;
}

unsigned Anchored::choose(unsigned n) { return random_.one_in(4) ? random_.below(n) : 0; }

unsigned Pct::next(const Moment& m) {
  bool drop = m.access == Access::kPause;
  for (unsigned i = 0; i < changes_; ++i) drop |= change_[i] == m.step;
  if (drop) priority_[m.current] = --lowest_;
  unsigned best = first_of(m.runnable);
  for (unsigned t = best + 1; t < kMaxThreads; ++t) {
    if ((m.runnable >> t & 1) != 0 && priority_[t] > priority_[best]) best = t;
  }
  return best;
}

unsigned Pct::choose(unsigned n) { return random_.one_in(4) ? random_.below(n) : 0; }

unsigned Bytes::next(const Moment& m) {
  const unsigned byte = take();
  if (!m.forced && byte % 4 != 3) return m.current;
  unsigned others = m.runnable & ~(1u << m.current);
  for (unsigned skip = byte / 4 % static_cast<unsigned>(std::popcount(others)); skip > 0; --skip) {
    others &= others - 1;
  }
  return first_of(others);
}

unsigned Bytes::choose(unsigned n) { return take() % n; }

unsigned Bytes::take() { return at_ == end_ ? 0 : *at_++; }

unsigned Exhaustive::take(const Decision& fresh) {
  if (at_ == path_.size()) path_.push_back(fresh);
  return path_[at_++].taken;
}

unsigned Exhaustive::next(const Moment& m) {
  if (m.operation < from_ && m.access != Access::kExit) {
    return m.forced ? static_cast<unsigned>(std::countr_zero(m.runnable)) : m.current;
  }
  Decision d{0, 0, {}};
  if (!m.forced) d.thread[d.alternatives++] = static_cast<uint8_t>(m.current);
  if (m.forced || preemptions_ < bound_) {
    for (unsigned t = 0; t < kMaxThreads; ++t) {
      if (t != m.current && (m.runnable >> t & 1) != 0) d.thread[d.alternatives++] = static_cast<uint8_t>(t);
    }
  }
  const unsigned next = d.alternatives == 1 ? d.thread[0] : d.thread[take(d)];
  preemptions_ += !m.forced && next != m.current;
  return next;
}

unsigned Exhaustive::choose(unsigned n) {
  if (chosen_ == choices_) return 0;
  const unsigned value = take({static_cast<uint8_t>(n), 0, {}});
  chosen_ += value != 0;
  return value;
}

bool Exhaustive::advance() {
  while (!path_.empty() && path_.back().taken + 1 == path_.back().alternatives) path_.pop_back();
  if (path_.empty()) return false;
  ++path_.back().taken;
  return true;
}

}  // namespace masu::fuzz
