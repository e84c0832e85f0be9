// From an address in a file to functions and lines, inlined ones included, by DWARF and symbol tables
// (libdw). For tools: allocates, reads files, and where DEBUGINFOD_URLS is set asks servers for debug
// information.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace masu::debug {

struct SourceFrame {
  std::string function;  // demangled; empty if unknown
  std::string file;      // empty if unknown
  int line = 0;
  int column = 0;
};

class SourceLines {
 public:
  SourceLines();
  ~SourceLines();
  SourceLines(const SourceLines&) = delete;
  SourceLines& operator=(const SourceLines&) = delete;

  // Innermost first: the inlined functions at `address` (as in the file, without load bias), then the
  // function that they were inlined into. Empty if nothing is known, or if the file's build-id is not
  // `build_id` (hex; empty: any).
  std::vector<SourceFrame> at(const std::string& path, uint64_t address, const std::string& build_id);

 private:
  class File;
  std::map<std::string, std::unique_ptr<File>> files_;
};

}  // namespace masu::debug
