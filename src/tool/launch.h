// Starting a program on masu: which library, which environment, and whether a preload can work at all.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace masu::tool {

enum class Lane { kRelease, kDebug };

// A library of this name: beside the tool (a build), else in ../lib (a package). Throws naming where it looked.
std::filesystem::path find_library(const char* name);
std::filesystem::path find_library(Lane lane);

// The file that execvp would run for this name; throws where there is none.
std::filesystem::path find_program(const std::string& name);

// Why a preload cannot reach this executable, or "": statically linked, or setuid for another user.
std::string preload_obstacle(const std::filesystem::path& executable);

// Puts the library in front of LD_PRELOAD.
void preload(const std::filesystem::path& library);

// Preloads the lane and puts `options` behind what MASU_OPTIONS already says.
void set_environment(Lane lane, const std::string& options);

// Replaces this process by the program; throws where that fails.
[[noreturn]] void exec_program(const std::vector<std::string>& program);

// Throws unless there is a program and a preload can reach it.
void require_program(const std::vector<std::string>& program);

}  // namespace masu::tool
