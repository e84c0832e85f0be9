// masu stats: runs a program on masu and gathers the statistics that its processes leave on stderr;
// everything else on stderr passes through, and so does the exit status (128 + signal as in a shell).
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "tool/commands.h"
#include "tool/launch.h"
#include "tool/stat_lines.h"

namespace masu::tool {
namespace {

// Starts the program with its stderr in a pipe; its process and the pipe's other end.
std::pair<pid_t, FILE*> start(Lane lane, const std::vector<std::string>& program) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("cannot make a pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    try {
      set_environment(lane, "stats=1");
      const int own_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
      dup2(ends[1], STDERR_FILENO);
      close(ends[0]);
      close(ends[1]);
      try {
        exec_program(program);
      } catch (...) {
        dup2(own_error, STDERR_FILENO);
        throw;
      }
    } catch (const std::exception& error) {
      std::cerr << "masu: " << error.what() << "\n";
      _exit(127);
    }
  }
  close(ends[1]);
  if (pid < 0) throw std::runtime_error("cannot start a process");
  return {pid, fdopen(ends[0], "r")};
}

int run_and_gather(Lane lane, const std::vector<std::string>& program, StatLines& lines) {
  const auto [pid, errors] = start(lane, program);
  char* text = nullptr;
  size_t capacity = 0;
  for (ssize_t n; (n = getline(&text, &capacity, errors)) > 0;) {
    std::string_view line(text, static_cast<size_t>(n));
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (!lines.take(line)) std::cerr.write(text, n);
  }
  std::free(text);
  std::fclose(errors);
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

void add_stats(CLI::App& app, Invocation& invocation) {
  struct Settings {
    bool debug = false, json = false;
    std::string output;
  };
  auto settings = std::make_shared<Settings>();
  CLI::App* stats =
      app.add_subcommand("stats", "Run a program and show masu's statistics: masu stats -- PROGRAM ARGS");
  stats->add_flag("--debug", settings->debug, "on the debug lane");
  stats->add_flag("--json", settings->json, "as JSON");
  stats->add_option("--output", settings->output, "into this file instead of stderr");
  stats->callback([settings, &invocation] {
    require_program(invocation.program);
    StatLines lines;
    invocation.exit_code =
        run_and_gather(settings->debug ? Lane::kDebug : Lane::kRelease, invocation.program, lines);
    if (lines.empty())
      throw std::runtime_error("the program left no statistics: was it killed, or did it close stderr?");
    const std::string text = settings->json ? as_json(lines) : as_table(lines);
    if (settings->output.empty()) {
      std::cerr << text;
    } else if (!(std::ofstream(settings->output) << text)) {
      throw std::runtime_error("cannot write " + settings->output);
    }
  });
}

}  // namespace masu::tool
