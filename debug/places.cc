#include "debug/places.h"

#include <fcntl.h>
#include <unistd.h>

#include "debug/module.h"
#include "debug/threads.h"

namespace masu::debug {
namespace {

struct Mapping {
  uintptr_t begin = 0, end = 0;
  bool readable = false, executable = false;
  char name[128] = {};
};

bool holds(const Mapping& m, uintptr_t address) { return address >= m.begin && address < m.end; }

// "begin-end perms offset dev inode name"
bool parse_line(const char* s, Mapping& m) {
  auto number = [&s](char stop) {
    uintptr_t v = 0;
    for (; *s != stop && *s != '\0'; ++s) v = v * 16 + static_cast<uintptr_t>(*s <= '9' ? *s - '0' : *s - 'a' + 10);
    if (*s != '\0') ++s;
    return v;
  };
  m.begin = number('-');
  m.end = number(' ');
  m.readable = s[0] == 'r';
  m.executable = s[0] != '\0' && s[1] != '\0' && s[2] == 'x';
  unsigned words = 0;
  for (; *s != '\0' && words < 4; ++s) words += *s == ' ';
  while (*s == ' ') ++s;
  size_t n = 0;
  for (; *s != '\0' && n + 1 < sizeof(m.name); ++s) m.name[n++] = *s;
  m.name[n] = '\0';
  return m.end != 0;
}

template <class Wanted>
bool find_mapping(Mapping& m, Wanted&& wanted) {
  const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char line[512];
  size_t used = 0;
  bool found = false;
  char buffer[1024];
  for (ssize_t got; !found && (got = read(fd, buffer, sizeof(buffer))) > 0;) {
    for (ssize_t i = 0; i < got && !found; ++i) {
      if (buffer[i] != '\n') {
        if (used + 1 < sizeof(line)) line[used++] = buffer[i];
        continue;
      }
      line[used] = '\0';
      used = 0;
      found = parse_line(line, m) && wanted(m);
    }
  }
  close(fd);
  return found;
}

bool find_mapping(uintptr_t address, Mapping& m) {
  return find_mapping(m, [address](const Mapping& each) { return holds(each, address); });
}
bool is_named(const Mapping& m, const char* name) {
  size_t i = 0;
  while (name[i] != '\0' && m.name[i] == name[i]) ++i;
  return name[i] == m.name[i];
}

}  // namespace

bool find_mapping_bounds(uintptr_t address, uintptr_t& begin, uintptr_t& end) {
  Mapping m;
  if (!find_mapping(address, m) || !m.readable) return false;
  begin = m.begin;
  end = m.end;
  return true;
}

bool find_break(uintptr_t& begin, uintptr_t& end) {
  Mapping m;
  if (!find_mapping(m, [](const Mapping& each) { return is_named(each, "[heap]"); }) || !m.readable) return false;
  begin = m.begin;
  end = m.end;
  return true;
}

void describe_place(Text& line, uintptr_t address) {
  Mapping m;
  if (!find_mapping(address, m)) {
    line << (address >> 47 != 0 ? "no address space of the program (unmapped, not canonical)" : "unmapped memory");
    return;
  }
  if (holds(m, reinterpret_cast<uintptr_t>(&m))) {
    line << "the stack of this thread";
    return;
  }
  if (is_named(m, "[stack]")) {
    line << "the stack of the main thread";
    return;
  }
  Module module;
  if (find_module(address, module)) {
    line << (m.executable ? "code of " : "global data of ") << (module.path[0] == '\0' ? "the program" : module.path);
    return;
  }
  line << "a mapping of the program's own " << m.name;
}

}  // namespace masu::debug
