// What plugin_user.cc loads: a library that allocates while it is loaded, used and unloaded.
#include <map>
#include <string>
#include <vector>

#include <cstdlib>

namespace {
std::map<std::string, std::vector<int>> table;
struct Greeter {
  Greeter() {
    for (int i = 0; i < 200; ++i) table[std::string(static_cast<size_t>(i), 'k')].resize(static_cast<size_t>(i) * 5, i);
  }
  ~Greeter() {
    std::string late(5000, 'x');
    table["late"].assign(late.begin(), late.end());
  }
} greeter;
}  // namespace

extern "C" {
__attribute__((visibility("default"))) void* plugin_malloc(size_t size) { return std::malloc(size); }
__attribute__((visibility("default"))) void plugin_free(void* block) { std::free(block); }
__attribute__((visibility("default"))) std::size_t plugin_work(int seed) {
  thread_local std::vector<std::string> local;
  for (int i = 0; i < 300; ++i) local.emplace_back(static_cast<std::size_t>((i * seed) % 900), 'p');
  if (local.size() > 2000) local.clear();
  return local.size() + table.size();
}
}
