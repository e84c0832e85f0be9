// What an executable's file says about its allocator before it runs. A script or an unreadable file is no
// ELF.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace masu::tool {

struct ElfFacts {
  bool is_elf = false;
  std::string interpreter;            // empty: statically linked
  std::vector<std::string> needed;    // sonames
  std::set<std::string> definitions;  // dynamic symbols that the file itself defines
};

ElfFacts read_elf(const std::filesystem::path& file);

}  // namespace masu::tool
