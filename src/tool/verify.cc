// masu verify: does the preload take over? Without a program it asks masu's own functions in a child of this
// tool; with one it runs the program and reads from the dynamic linker who got malloc from whom.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "tool/bindings.h"
#include "tool/commands.h"
#include "tool/conflicts.h"
#include "tool/launch.h"

namespace masu::tool {
namespace {
namespace fs = std::filesystem;

// A directory for the linker's notes that goes away with its owner.
class Notes {
 public:
  Notes() {
    char name[] = "/tmp/masu-verify-XXXXXX";
    if (mkdtemp(name) == nullptr) throw std::runtime_error("cannot make a directory in /tmp");
    path_ = name;
  }
  Notes(const Notes&) = delete;
  ~Notes() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

[[noreturn]] void child(Lane lane, const fs::path& notes, const std::vector<std::string>& program) try {
  set_environment(lane, "");
  setenv("LD_DEBUG", "bindings", 1);
  setenv("LD_DEBUG_OUTPUT", (notes / "pid").c_str(), 1);
  setenv("LD_BIND_NOW", "1", 1);
  const int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  setpgid(0, 0);
  exec_program(program);
} catch (const std::exception& error) {
  std::cerr << "masu: " << error.what() << "\n";
  _exit(127);
}

// Runs the program for at most `seconds`; "" or how it ended otherwise.
std::string run_for(int seconds, Lane lane, const fs::path& notes, const std::vector<std::string>& program) {
  const pid_t pid = fork();
  if (pid == 0) child(lane, notes, program);
  int status = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > end) {
      kill(-pid, SIGTERM);
      std::this_thread::sleep_for(std::chrono::seconds(1));
      kill(-pid, SIGKILL);
      waitpid(pid, &status, 0);
      return "stopped after " + std::to_string(seconds) + " s";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (WIFSIGNALED(status)) return std::string("died of signal ") + strsignal(WTERMSIG(status));
  return "ended with exit status " + std::to_string(WEXITSTATUS(status));
}

// In the child of a verify without a program: what malloc and masu_version are here.
int say_version(const std::string& library) {
  auto* version = reinterpret_cast<const char* (*)()>(dlsym(RTLD_DEFAULT, "masu_version"));
  Dl_info owner{};
  if (version == nullptr || dladdr(dlsym(RTLD_DEFAULT, "malloc"), &owner) == 0 ||
      !fs::equivalent(owner.dli_fname, library)) {
    std::cout << "malloc is not masu's: " << (owner.dli_fname != nullptr ? owner.dli_fname : "unknown")
              << "\n";
    return 1;
  }
  std::cout << version() << " takes over: malloc comes from " << owner.dli_fname << "\n";
  return 0;
}

int verify_program(Lane lane, int seconds, const std::vector<std::string>& program) {
  const fs::path executable = find_program(program[0]);
  const std::string obstacle = preload_obstacle(executable);
  if (!obstacle.empty()) {
    std::cout << executable.string() << " " << obstacle << "\nmasu does not take over\n";
    return 1;
  }
  const fs::path library = find_library(lane);
  const Notes notes;
  std::cout << program[0] << " " << run_for(seconds, lane, notes.path(), program) << "\n";
  Bindings bindings;
  int processes = 0;
  for (const auto& entry : fs::directory_iterator(notes.path())) {
    std::ifstream in(entry.path());
    read_bindings(in, library.filename(), bindings);
    ++processes;
  }
  const bool took_over = !bindings.taken_over.empty();
  std::cout << (took_over ? "masu takes over: " : "masu does not take over: ") << bindings.taken_over.size()
            << " objects in " << processes << " processes use " << library.string() << "\n";
  const auto known = known_conflicts(fs::canonical(executable), read_elf(executable));
  for (const std::string& conflict : known) std::cout << "conflict: " << conflict << "\n";
  for (const auto& [user, owners] : bindings.elsewhere) {
    for (const auto& [owner, names] : owners) {
      std::cout << "conflict: " << user << " uses";
      for (const std::string& name : names) std::cout << " " << name;
      std::cout << " of " << owner << " (loaded with RTLD_DEEPBIND, its own symbols, or asked by dlsym)\n";
    }
  }
  return took_over && known.empty() && bindings.elsewhere.empty() ? 0 : 1;
}

}  // namespace

void add_verify(CLI::App& app, Invocation& invocation) {
  struct Settings {
    bool debug = false, here = false;
    int seconds = 10;
  };
  auto settings = std::make_shared<Settings>();
  CLI::App* verify =
      app.add_subcommand("verify", "Check that masu takes over: masu verify [-- PROGRAM ARGS]");
  verify->add_flag("--debug", settings->debug, "check the debug lane");
  verify->add_option("--seconds", settings->seconds, "stop the program after so long (default 10)")
      ->check(CLI::Range(1, 3600));
  verify->add_flag("--here", settings->here, "ask in this process, without preloading")->group("");
  verify->callback([settings, &invocation] {
    const Lane lane = settings->debug ? Lane::kDebug : Lane::kRelease;
    if (settings->here) {
      invocation.exit_code = say_version(find_library(lane));
    } else if (invocation.program.empty()) {
      set_environment(lane, "");
      std::vector<std::string> self = {fs::canonical("/proc/self/exe"), "verify", "--here"};
      if (settings->debug) self.push_back("--debug");
      exec_program(self);
    } else {
      invocation.exit_code = verify_program(lane, settings->seconds, invocation.program);
    }
  });
}

}  // namespace masu::tool
