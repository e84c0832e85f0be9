#include "tool/launch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <stdexcept>

#include "tool/elf_facts.h"

namespace masu::tool {
namespace fs = std::filesystem;

namespace {

// What both variables are: a list with colons between.
void join_in_environment(const char* name, const std::string& before, const std::string& after) {
  const char* value = std::getenv(name);
  std::string all = before;
  for (const std::string& part : {std::string(value != nullptr ? value : ""), after}) {
    if (!part.empty()) all += (all.empty() ? "" : ":") + part;
  }
  if (!all.empty()) setenv(name, all.c_str(), 1);
}

}  // namespace

fs::path find_library(Lane lane) { return find_library(lane == Lane::kDebug ? "libmasu-debug.so" : "libmasu.so"); }

fs::path find_library(const char* name) {
  const fs::path here = fs::canonical("/proc/self/exe").parent_path();
  for (const fs::path& place : {here / name, here.parent_path() / "lib" / name}) {
    if (fs::exists(place)) return fs::canonical(place);
  }
  throw std::runtime_error(std::string("there is no ") + name + " in " + here.string() + " nor in " +
                           (here.parent_path() / "lib").string());
}

fs::path find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (access(name.c_str(), X_OK) == 0) return name;
    throw std::runtime_error("cannot run " + name + ": " + std::strerror(errno));
  }
  const char* path = std::getenv("PATH");
  std::istringstream places(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string place; std::getline(places, place, ':');) {
    const fs::path candidate = fs::path(place.empty() ? "." : place) / name;
    if (fs::is_regular_file(candidate) && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  throw std::runtime_error("there is no program '" + name + "' in PATH");
}

std::string preload_obstacle(const fs::path& executable) {
  struct stat status{};
  if (stat(executable.c_str(), &status) == 0 && (status.st_mode & S_ISUID) != 0 &&
      status.st_uid != getuid()) {
    return "is setuid for another user, where the dynamic linker ignores LD_PRELOAD";
  }
  const ElfFacts facts = read_elf(executable);
  if (facts.is_elf && facts.interpreter.empty())
    return "is statically linked, so that no library can take over";
  return "";
}

void preload(const fs::path& library) { join_in_environment("LD_PRELOAD", library, ""); }

void set_environment(Lane lane, const std::string& options) {
  preload(find_library(lane));
  join_in_environment("MASU_OPTIONS", "", options);
}

void exec_program(const std::vector<std::string>& program) {
  std::vector<char*> arguments;
  for (const std::string& argument : program) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  throw std::runtime_error("cannot run " + program[0] + ": " + std::strerror(errno));
}

void require_program(const std::vector<std::string>& program) {
  if (program.empty()) throw std::runtime_error("name a program after --, as in: masu run -- PROGRAM ARGS");
  const std::string obstacle = preload_obstacle(find_program(program[0]));
  if (!obstacle.empty()) throw std::runtime_error(program[0] + " " + obstacle);
}

}  // namespace masu::tool
