// MASU_OPTIONS=key=value:key=value. One table (name, type, default, bounds, help) which the parser, the
// tool and the README's table read. Parsed once at start; unknown keys and bad values are named on stderr
// once and ignored. The whole string is ignored in setuid programs (AT_SECURE).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/text.h"

namespace masu {

enum class Option : uint8_t {
  kVerbose, kStats, kMisuse, kArenaLimit, kDecayMs, kLargeCache, kHugePages,
  kGuard, kLeaks, kStacks, kHalt, kQuarantine, kSweep, kBreakAt, kReport, kSuppressions,
  kSymbolize, kInherit,
  kCount,
};

enum class OptionType : uint8_t { kBool, kNumber, kBytes, kWord, kText };
enum class OptionLane : uint8_t { kBoth, kDebug };

struct OptionRow {
  const char* name;
  OptionType type;
  int64_t preset;     // for kWord: index into words
  int64_t min, max;
  OptionLane lane;
  const char* words;  // kWord: "first|second"
  const char* help;
};

constexpr OptionRow kOptionTable[static_cast<size_t>(Option::kCount)] = {
    {"verbose", OptionType::kBool, 0, 0, 1, OptionLane::kBoth, "", "say version and lane on stderr at start"},
    {"stats", OptionType::kBool, 0, 0, 1, OptionLane::kBoth, "", "print the event counters on stderr at exit"},
    {"misuse", OptionType::kWord, 0, 0, 1, OptionLane::kBoth, "abort|count",
     "what a wild, foreign, interior or double free does: stop the process, or be counted and ignored"},
    {"arena_limit", OptionType::kBytes, 0, 0, int64_t{1} << 46, OptionLane::kBoth, "",
     "most bytes of segments in use at once; 0: what the machine allows"},
    {"decay_ms", OptionType::kNumber, 500, 0, 3600 * 1000, OptionLane::kBoth, "",
     "milliseconds before freed pages go back to the system"},
    {"large_cache", OptionType::kBytes, 64 << 20, 0, int64_t{1} << 40, OptionLane::kBoth, "",
     "bytes of freed large mappings kept for reuse, up to a 16th of the memory of the machine or container; or twice what lives, up to an 8th; 0: none"},
    {"huge_pages", OptionType::kWord, 0, 0, 2, OptionLane::kBoth, "auto|off|on",
     "ask for transparent huge pages: for large blocks among many, never, or for all segments too"},
    {"guard", OptionType::kWord, 0, 0, 3, OptionLane::kDebug, "sample|off|all|left",
     "blocks that end at a protected page: a sample, none, or each as far as mappings go; left: each begins at one"},
    {"leaks", OptionType::kBool, 0, 0, 1, OptionLane::kDebug, "", "report unreachable blocks at exit"},
    {"stacks", OptionType::kNumber, 16, 0, 64, OptionLane::kDebug, "",
     "frames kept of each allocation and free; 0: none"},
    {"halt", OptionType::kBool, 1, 0, 1, OptionLane::kDebug, "", "stop at the first report"},
    {"quarantine", OptionType::kBytes, 16 << 20, 0, int64_t{1} << 40, OptionLane::kDebug, "",
     "bytes of freed blocks held back from reuse"},
    {"sweep", OptionType::kNumber, 0, 0, int64_t{1} << 40, OptionLane::kDebug, "",
     "check all blocks every so many allocations; 0: at exit only"},
    {"break_at", OptionType::kNumber, 0, 0, INT64_MAX, OptionLane::kDebug, "",
     "raise SIGTRAP at the allocation with this serial number"},
    {"report", OptionType::kText, 0, 0, 0, OptionLane::kDebug, "", "also write the report as JSON to this file"},
    {"suppressions", OptionType::kText, 0, 0, 0, OptionLane::kDebug, "",
     "file with one module or function name a line whose faults are not reported"},
    {"symbolize", OptionType::kBool, 1, 0, 1, OptionLane::kDebug, "",
     "add function names and lines to reports, by a process of its own (masu-symbolize)"},
    {"inherit", OptionType::kBool, 1, 0, 1, OptionLane::kDebug, "",
     "programs that this one starts run on the debug lane too; 0: their LD_PRELOAD is without it"},
};

class Options {
 public:
  constexpr Options() {
    for (size_t i = 0; i < static_cast<size_t>(Option::kCount); ++i) value_[i] = kOptionTable[i].preset;
  }
  int64_t get(Option o) const { return value_[static_cast<size_t>(o)]; }
  bool on(Option o) const { return get(o) != 0; }
  // Text option: null where not given; ends at the first ':' or NUL.
  const char* text(Option o) const { return text_[static_cast<size_t>(o)]; }
  void set(Option o, int64_t v) { value_[static_cast<size_t>(o)] = v; }

  // Reads "key=value:key=value"; complains about what it ignores, one line for all, into `complaint`
  // (left empty where all was well). `spec` must outlive this object: text options point into it.
  void parse(const char* spec, Text& complaint);

 private:
  int64_t value_[static_cast<size_t>(Option::kCount)] = {};
  const char* text_[static_cast<size_t>(Option::kCount)] = {};
};

}  // namespace masu
