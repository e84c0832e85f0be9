#include "tool/bindings.h"

#include <string_view>

namespace masu::tool {
namespace {

bool is_malloc_family(std::string_view name) {
  static const std::set<std::string_view> kFamily = {
      "malloc",   "free",           "calloc", "realloc", "reallocarray",      "aligned_alloc",
      "memalign", "posix_memalign", "valloc", "pvalloc", "malloc_usable_size"};
  // operator new and delete: _Znw, _Zna, _Zdl, _Zda
  const bool is_operator = name.starts_with("_Zn") ? name.size() > 3 && (name[3] == 'w' || name[3] == 'a')
                                                   : name.starts_with("_Zdl") || name.starts_with("_Zda");
  return is_operator || kFamily.contains(name);
}

// The text between two marks, or nothing; `line` moves behind the second.
std::string_view between(std::string_view& line, std::string_view before, std::string_view after) {
  const size_t begin = line.find(before);
  if (begin == line.npos) return {};
  const size_t end = line.find(after, begin + before.size());
  if (end == line.npos) return {};
  const std::string_view found = line.substr(begin + before.size(), end - begin - before.size());
  line.remove_prefix(end);
  return found;
}

bool is_file(std::string_view path, std::string_view name) {
  return path == name ||
         (path.size() > name.size() && path.ends_with(name) && path[path.size() - name.size() - 1] == '/');
}

}  // namespace

void read_bindings(std::istream& in, const std::string& library, Bindings& bindings) {
  // binding file USER [0] to OWNER [0]: normal symbol `NAME' [VERSION]
  for (std::string text; std::getline(in, text);) {
    std::string_view line = text;
    const std::string_view user = between(line, "binding file ", " [");
    const std::string_view owner = between(line, " to ", " [");
    const std::string_view name = between(line, "symbol `", "'");
    if (user.empty() || owner.empty() || !is_malloc_family(name) || is_file(user, library)) continue;
    if (is_file(owner, library)) {
      bindings.taken_over.emplace(user);
    } else {
      bindings.elsewhere[std::string(user)][std::string(owner)].emplace(name);
    }
  }
}

}  // namespace masu::tool
