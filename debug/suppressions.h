// Faults that are known: one module or function name a line, # begins a comment. A stack matches if one of its
// frames lies in a module whose path ends with the name, or in an exported function of that name. Read once.
#pragma once

#include <cstddef>
#include <cstdint>

namespace masu::debug {

class Suppressions {
 public:
  constexpr Suppressions() = default;
  void read(const char* path);  // says so on stderr where it cannot
  bool empty() const { return size_ == 0; }
  bool match(const uintptr_t* sites, size_t count) const;

 private:
  char text_[8192] = {};  // names, each ends with NUL
  size_t size_ = 0;
};

// A text option's value, which ends at ':' or NUL; empty where not given or too long.
void copy_option(const char* value, char* out, size_t bytes);

}  // namespace masu::debug
