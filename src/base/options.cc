#include "base/options.h"

namespace masu {
namespace {

struct Span {
  const char* begin;
  const char* end;
  size_t size() const { return static_cast<size_t>(end - begin); }
};

bool equals(Span s, const char* word) {
  size_t i = 0;
  for (; i < s.size(); ++i) {
    if (word[i] == 0 || word[i] != s.begin[i]) return false;
  }
  return word[i] == 0;
}

// "12", "64k", "2M", "1G"; false where it is no number or leaves the bounds.
bool parse_number(Span s, const OptionRow& row, int64_t& out) {
  if (s.size() == 0) return false;
  uint64_t v = 0;
  const char* p = s.begin;
  for (; p != s.end && *p >= '0' && *p <= '9'; ++p) {
    if (v > (UINT64_MAX - 9) / 10) return false;
    v = v * 10 + static_cast<uint64_t>(*p - '0');
  }
  if (p == s.begin) return false;
  if (p != s.end && row.type == OptionType::kBytes) {
    const char unit = static_cast<char>(*p | 0x20);
    const unsigned shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;
    if (shift == 0 || v > (UINT64_MAX >> shift)) return false;
    v <<= shift;
    ++p;
  }
  if (p != s.end || v > static_cast<uint64_t>(row.max)) return false;
  out = static_cast<int64_t>(v);
  return out >= row.min;
}

bool parse_word(Span s, const char* words, int64_t& out) {
  int64_t index = 0;
  for (const char* w = words; *w != 0; ++index) {
    const char* end = w;
    while (*end != 0 && *end != '|') ++end;
    const size_t n = static_cast<size_t>(end - w);
    bool same = n == s.size();
    for (size_t i = 0; same && i < n; ++i) same = w[i] == s.begin[i];
    if (same) {
      out = index;
      return true;
    }
    w = *end == 0 ? end : end + 1;
  }
  return false;
}

void allowed(const OptionRow& row, Text& out) {
  switch (row.type) {
    case OptionType::kWord: out << row.words; break;
    case OptionType::kText: out << "text"; break;
    default:
      out.dec(static_cast<uint64_t>(row.min)) << "..";
      out.dec(static_cast<uint64_t>(row.max));
      if (row.type == OptionType::kBytes) out << " bytes, k, M or G";
  }
}

}  // namespace

void Options::parse(const char* spec, Text& complaint) {
  auto begin_complaint = [&complaint] { complaint << (complaint.size() == 0 ? "masu: MASU_OPTIONS: " : "; "); };
  for (const char* p = spec; *p != 0;) {
    const char* end = p;
    while (*end != 0 && *end != ':') ++end;
    const char* eq = p;
    while (eq != end && *eq != '=') ++eq;
    const Span key{p, eq};
    const Span value{eq == end ? end : eq + 1, end};
    p = *end == 0 ? end : end + 1;
    if (key.size() == 0 && value.size() == 0) continue;
    size_t i = 0;
    while (i < static_cast<size_t>(Option::kCount) && !equals(key, kOptionTable[i].name)) ++i;
    if (i == static_cast<size_t>(Option::kCount)) {
      begin_complaint();
      complaint << "unknown option '";
      complaint.put(key.begin, key.size()) << "' ignored (`masu options` lists them)";
      continue;
    }
    const OptionRow& row = kOptionTable[i];
    int64_t v = 0;
    const bool good = row.type == OptionType::kText   ? value.size() != 0
                      : row.type == OptionType::kWord ? parse_word(value, row.words, v)
                                                      : parse_number(value, row, v);
    if (!good) {
      begin_complaint();
      complaint << row.name << "='";
      complaint.put(value.begin, value.size()) << "' ignored (allowed: ";
      allowed(row, complaint);
      complaint << ")";
      continue;
    }
    value_[i] = v;
    if (row.type == OptionType::kText) text_[i] = value.begin;
  }
}

}  // namespace masu
