// Who got malloc from whom: reads what the dynamic linker writes under LD_DEBUG=bindings, with LD_BIND_NOW=1
// the complete truth for one run, dlopen with RTLD_DEEPBIND and dlsym included.
#pragma once

#include <istream>
#include <map>
#include <set>
#include <string>

namespace masu::tool {

struct Bindings {
  std::set<std::string> taken_over;  // objects whose malloc family is masu's
  // object -> other library -> names of the malloc family it got from there
  std::map<std::string, std::map<std::string, std::set<std::string>>> elsewhere;
};

// Adds what one process wrote. `library` is the file name of masu's library.
void read_bindings(std::istream& in, const std::string& library, Bindings& bindings);

}  // namespace masu::tool
