#include "debug/places.h"

#include <fcntl.h>
#include <unistd.h>

#include "debug/module.h"
#include "debug/threads.h"

namespace masu::debug {
namespace {

struct Mapping {
  uintptr_t begin = 0, end = 0;
  bool executable = false;
  char name[128] = {};
};

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
  m.executable = s[0] != '\0' && s[1] != '\0' && s[2] == 'x';
  unsigned words = 0;
  for (; *s != '\0' && words < 4; ++s) words += *s == ' ';
  while (*s == ' ') ++s;
  size_t n = 0;
  for (; *s != '\0' && n + 1 < sizeof(m.name); ++s) m.name[n++] = *s;
  m.name[n] = '\0';
  return m.end != 0;
}

bool find_mapping(uintptr_t address, Mapping& m) {
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
      found = parse_line(line, m) && address >= m.begin && address < m.end;
    }
  }
  close(fd);
  return found;
}

bool holds(const Mapping& m, uintptr_t address) { return address >= m.begin && address < m.end; }

}  // namespace

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
  if (m.name[0] == '[' && m.name[1] == 's' && m.name[2] == 't') {
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
