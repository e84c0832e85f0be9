// Known ways in which a program keeps memory away from a preloaded malloc, recognized by its executable.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tool/elf_facts.h"

namespace masu::tool {

// One line for each conflict: what it is and what follows from it.
std::vector<std::string> known_conflicts(const std::filesystem::path& executable, const ElfFacts& facts);

}  // namespace masu::tool
