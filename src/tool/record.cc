// masu record: the program as it is, with what it asks of malloc written to a file by libmasu-record.so.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "tool/commands.h"
#include "tool/launch.h"

namespace masu::tool {
namespace fs = std::filesystem;

void add_record(CLI::App& app, Invocation& invocation) {
  auto output = std::make_shared<std::string>();
  CLI::App* record = app.add_subcommand("record", "Record what a program asks of malloc: masu record [-o FILE] -- PROGRAM ARGS");
  record->add_option("-o,--output", *output, "the recording (default: PROGRAM.trace here); other processes of it write FILE.PID");
  record->callback([output, &invocation] {
    require_program(invocation.program);
    const fs::path file = fs::absolute(output->empty() ? fs::path(invocation.program[0]).filename().string() + ".trace" : *output);
    if (fs::exists(file) && !fs::is_regular_file(file)) throw std::runtime_error(file.string() + " is there and no file");
    if (access(file.parent_path().c_str(), W_OK) != 0) throw std::runtime_error("cannot write into " + file.parent_path().string());
    fs::remove(file);
    setenv("MASU_RECORD", file.c_str(), 1);
    preload(find_library("libmasu-record.so"));
    exec_program(invocation.program);
  });
}

}  // namespace masu::tool
