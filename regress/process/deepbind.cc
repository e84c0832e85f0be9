// RTLD_DEEPBIND makes a plugin prefer its own dependencies, so its malloc and free are libc's, whatever was preloaded. No
// allocator can rescue that from inside. Shown here: blocks that stay on their side are fine; a block that crosses stops the
// process, and masu says whose block it was not.
#include <csignal>
#include <string>

#include "check.h"

namespace {

std::string report_of_crossing(void (*cross)(void*, void*), void* plugin_block, void* plugin_free, bool* died) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], 2);
    cross(plugin_block, plugin_free);
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  ssize_t n;
  while ((n = read(ends[0], buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  int status = 0;
  CHECK(waitpid(pid, &status, 0) == pid);
  *died = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  return text;
}

}  // namespace

int main(int, char** argv) {
  check_take_over();
  const std::string path = std::string(argv[0]).substr(0, std::string(argv[0]).rfind('/')) + "/libdeepbind_plugin.so";
  void* plugin = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  CHECK(plugin != nullptr);
  const auto make = reinterpret_cast<void* (*)(size_t)>(dlsym(plugin, "plugin_malloc"));
  const auto destroy = reinterpret_cast<void (*)(void*)>(dlsym(plugin, "plugin_free"));
  CHECK(make != nullptr && destroy != nullptr);
  for (size_t size = 1; size < 300000; size += 1777) destroy(make(size));

  const bool divided = is_preloaded();  // on plain glibc both sides are one heap
  bool died = false;
  std::string text = report_of_crossing([](void* block, void*) { free(block); }, make(100), nullptr, &died);
  CHECK(died == divided);
  if (on_masu()) CHECK(text.find("masu: ") != std::string::npos || text.find("MasuSanitizer: ") != std::string::npos);
  report_of_crossing([](void*, void* f) { reinterpret_cast<void (*)(void*)>(f)(hide(malloc(100))); }, nullptr,
                     reinterpret_cast<void*>(destroy), &died);
  CHECK(died == divided);
}
