// dlopen and dlclose of a library that allocates, over and over and from several threads; its blocks outlive it, and it frees
// blocks of the program.
#include <string>
#include <thread>
#include <vector>

#include "check.h"

int main(int, char** argv) {
  check_take_over();
  const std::string path = std::string(argv[0]).substr(0, std::string(argv[0]).rfind('/')) + "/libplugin.so";
  const auto use = [&path](int rounds, uint64_t seed) {
    Random random(seed);
    for (int i = 0; i < rounds; ++i) {
      void* plugin = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
      CHECK(plugin != nullptr);
      const auto make = reinterpret_cast<void* (*)(size_t)>(dlsym(plugin, "plugin_malloc"));
      const auto destroy = reinterpret_cast<void (*)(void*)>(dlsym(plugin, "plugin_free"));
      const auto work = reinterpret_cast<size_t (*)(int)>(dlsym(plugin, "plugin_work"));
      CHECK(make != nullptr && destroy != nullptr && work != nullptr);
      std::vector<Block> of_plugin;
      for (int b = 0; b < 40; ++b) {
        const size_t size = random.size();
        of_plugin.push_back({static_cast<unsigned char*>(make(size)), size});
        of_plugin.back().fill();
        Block ours = Block::make(size);
        ours.verify();
        destroy(ours.bytes);
      }
      CHECK(work(i + 1) > 0);
      std::thread([&] { CHECK(work(i + 2) > 0); }).join();
      CHECK(dlclose(plugin) == 0);
      for (Block& block : of_plugin) block.release();
    }
  };
  use(60, 1);
  std::vector<std::thread> threads;
  for (uint64_t t = 2; t < 6; ++t) threads.emplace_back(use, 20, t);
  for (auto& thread : threads) thread.join();
}
