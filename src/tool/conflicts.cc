#include "tool/conflicts.h"

namespace masu::tool {
namespace {

enum class Sign { kName, kDefines, kNeeds };
struct Known {
  Sign sign;
  const char* text;  // kName: prefix of the file name; kDefines: a symbol; kNeeds: prefix of a soname
  const char* conflict;
};

constexpr Known kKnown[] = {
    {Sign::kName, "chrom", "Chromium brings PartitionAlloc: its own memory does not come from malloc"},
    {Sign::kName, "firefox", "Firefox brings mozjemalloc: its own memory does not come from malloc"},
    {Sign::kDefines, "malloc",
     "the program defines malloc itself and exports it: two allocators in one process"},
    {Sign::kDefines, "mallctl", "jemalloc is linked into the program"},
    {Sign::kDefines, "tc_malloc", "tcmalloc is linked into the program"},
    {Sign::kDefines, "mi_malloc", "mimalloc is linked into the program"},
    {Sign::kDefines, "rpmalloc", "rpmalloc is linked into the program"},
    {Sign::kDefines, "__asan_init",
     "built with AddressSanitizer, which needs its own malloc: run it without masu"},
    {Sign::kDefines, "__tsan_init",
     "built with ThreadSanitizer, which needs its own malloc: run it without masu"},
    {Sign::kDefines, "__msan_init",
     "built with MemorySanitizer, which needs its own malloc: run it without masu"},
    {Sign::kNeeds, "libasan.",
     "built with AddressSanitizer, which needs its own malloc: run it without masu"},
    {Sign::kNeeds, "libtsan.", "built with ThreadSanitizer, which needs its own malloc: run it without masu"},
    {Sign::kNeeds, "libjemalloc.",
     "linked with jemalloc: masu comes first, jemalloc's own calls stay its own"},
    {Sign::kNeeds, "libtcmalloc",
     "linked with tcmalloc: masu comes first, tcmalloc's own calls stay its own"},
    {Sign::kNeeds, "libmimalloc.",
     "linked with mimalloc: masu comes first, mimalloc's own calls stay its own"},
};

bool shows(const Known& known, const std::string& name, const ElfFacts& facts) {
  switch (known.sign) {
    case Sign::kName:
      return name.starts_with(known.text);
    case Sign::kDefines:
      return facts.definitions.contains(known.text);
    case Sign::kNeeds:
      for (const std::string& soname : facts.needed) {
        if (soname.starts_with(known.text)) return true;
      }
  }
  return false;
}

}  // namespace

std::vector<std::string> known_conflicts(const std::filesystem::path& executable, const ElfFacts& facts) {
  std::vector<std::string> found;
  for (const Known& known : kKnown) {
    if (shows(known, executable.filename(), facts)) found.emplace_back(known.conflict);
  }
  return found;
}

}  // namespace masu::tool
