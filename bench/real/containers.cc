// For the compiler itself: much of the standard library, instantiated.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N>
struct Tree {
  std::map<std::string, std::vector<std::variant<int, double, std::string>>> values;
  std::unordered_map<std::string, std::shared_ptr<Tree<N - 1>>> children;
  std::size_t count() const {
    std::size_t n = values.size();
    for (const auto& [name, child] : children) n += child->count();
    return n;
  }
  void add(std::string name, int value) {
    values[name].emplace_back(value);
    children.try_emplace(std::move(name), std::make_shared<Tree<N - 1>>()).first->second->add("child", value + N);
  }
};
template <>
struct Tree<0> {
  std::size_t count() const { return 1; }
  void add(std::string, int) {}
};

int main(int argc, char** argv) {
  Tree<3> tree;
  std::mt19937 random(argc);
  std::set<std::string, std::function<bool(const std::string&, const std::string&)>> seen([](auto& a, auto& b) { return a > b; });
  for (int i = 1; i < argc; ++i) {
    if (seen.insert(argv[i]).second) tree.add(argv[i], i);
  }
  std::ostringstream out;
  std::vector<std::string> sorted(seen.begin(), seen.end());
  std::shuffle(sorted.begin(), sorted.end(), random);
  std::stable_sort(sorted.begin(), sorted.end());
  for (const auto& s : sorted) out << s << '\n';
  std::cout << out.str() << tree.count() << '\n';
}
