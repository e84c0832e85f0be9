// What gcc.sh and clang.sh compile: a file that costs a compiler much memory (templates, containers, ranges, regular
// expressions), and a program whose output depends on every block it allocates keeping its contents.
#include <algorithm>
#include <any>
#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <numeric>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

using Value = std::variant<int, double, std::string, std::vector<int>, std::shared_ptr<std::string>>;

// Every depth is a type of its own, so the compiler instantiates a tree of them.
template <int Depth>
struct Nest {
  std::map<std::string, std::tuple<Nest<Depth - 1>, std::vector<Nest<Depth - 1>>>> children;
  std::function<std::string(const Nest&)> describe = [](const Nest& n) { return std::to_string(Depth) + ":" + std::to_string(n.count()); };
  std::size_t count() const {
    std::size_t sum = children.size();
    for (const auto& [key, child] : children) {
      sum += key.size() + std::get<0>(child).count();
      for (const auto& each : std::get<1>(child)) sum += each.count();
    }
    return sum;
  }
  void fill(std::mt19937& rng) {
    for (int i = 0; i < 3; ++i) {
      auto& [one, many] = children[std::string(rng() % 40, 'k') + std::to_string(i)];
      one.fill(rng);
      many.resize(rng() % 3);
      for (auto& each : many) each.fill(rng);
    }
  }
};
template <>
struct Nest<0> {
  std::string leaf;
  std::size_t count() const { return leaf.size(); }
  void fill(std::mt19937& rng) { leaf.assign(rng() % 64, 'l'); }
};

template <std::size_t... I>
auto fold(std::index_sequence<I...>) {
  return std::make_tuple(std::make_unique<std::vector<std::array<int, I + 1>>>(I + 3)...);
}

std::string text_of(const Value& value) {
  return std::visit(
      [](const auto& v) -> std::string {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_arithmetic_v<T>) return std::to_string(v);
        else if constexpr (std::is_same_v<T, std::string>) return v;
        else if constexpr (std::is_same_v<T, std::vector<int>>) return std::to_string(std::accumulate(v.begin(), v.end(), 0));
        else return *v;
      },
      value);
}

std::size_t churn(unsigned seed) {
  std::mt19937 rng(seed);
  std::unordered_map<int, Value> live;
  std::deque<std::string> queue;
  std::list<std::any> list;
  for (int i = 0; i < 60000; ++i) {
    const int key = static_cast<int>(rng() % 3000);
    const int size = static_cast<int>(rng() % 600);
    switch (rng() % 5) {
      case 0: live[key] = i; break;
      case 1: live[key] = i * 0.5; break;
      case 2: live[key] = std::string(size, static_cast<char>('a' + i % 26)); break;
      case 3: live[key] = std::vector<int>(size, i); break;
      default: live[key] = std::make_shared<std::string>(std::to_string(i) + std::string(size, 's'));
    }
    queue.push_back(text_of(live[key]));
    if (queue.size() > 500) queue.pop_front();
    list.emplace_back(queue.back());
    if (list.size() > 200) list.pop_front();
  }
  std::map<int, Value> sorted(live.begin(), live.end());
  std::size_t hash = 14695981039346656037u;
  const auto mix = [&](const std::string& s) {
    for (unsigned char c : s) hash = (hash ^ c) * 1099511628211u;
  };
  for (const auto& [key, value] : sorted) mix(std::to_string(key) + text_of(value));
  for (const auto& s : queue) mix(s);
  for (const auto& a : list) mix(std::any_cast<const std::string&>(a));
  return hash;
}

}  // namespace

int main() {
  std::mt19937 rng(1);
  Nest<6> nest;
  nest.fill(rng);
  std::cout << nest.describe(nest) << '\n';
  std::cout << std::get<30>(fold(std::make_index_sequence<48>{}))->size() << '\n';

  std::vector<std::future<std::size_t>> futures;
  for (unsigned seed = 2; seed < 8; ++seed) futures.push_back(std::async(std::launch::async, churn, seed));
  for (auto& future : futures) std::cout << future.get() << '\n';

  std::pmr::unsynchronized_pool_resource pool;
  std::pmr::map<std::pmr::string, int> words(&pool);
  std::istringstream in("the quick brown fox jumps over the lazy dog and the small cat jumps too");
  for (std::string word; in >> word;) ++words[std::pmr::string(word, &pool)];
  for (const auto& [word, n] : words) std::cout << word << '=' << n << ' ';
  std::cout << '\n' << std::regex_replace(std::string("a1b22c333"), std::regex("([a-z])([0-9]+)"), "$2$1") << '\n';
}
