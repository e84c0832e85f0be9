#include "debug/suppressions.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "debug/module.h"
#include "os/linux.h"

namespace masu::debug {
namespace {

bool ends_with(const char* text, const char* end) {
  const size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + (n - m), end) == 0;
}

}  // namespace

void copy_option(const char* value, char* out, size_t bytes) {
  size_t n = 0;
  if (value != nullptr) {
    while (value[n] != '\0' && value[n] != ':') ++n;
  }
  if (n >= bytes) n = 0;
  for (size_t i = 0; i < n; ++i) out[i] = value[i];
  out[n] = '\0';
}

void Suppressions::read(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? -1 : ::read(fd, text_, sizeof(text_) - 1);
  if (fd >= 0) close(fd);
  if (got < 0) {
    Text line;
    line << "masu: suppressions: cannot read '" << path << "'; nothing is suppressed\n";
    return linux_write_error(line.data(), line.size());
  }
  // In place: comments and blanks go, lines become strings.
  size_t out = 0;
  bool comment = false;
  for (ssize_t i = 0; i <= got; ++i) {
    const char c = i == got ? '\n' : text_[i];
    if (c == '#') comment = true;
    if (c == '\n') {
      comment = false;
      if (out != 0 && text_[out - 1] != '\0') text_[out++] = '\0';
    } else if (!comment && c != ' ' && c != '\t' && c != '\r') {
      text_[out++] = c;
    }
  }
  size_ = out;
}

bool Suppressions::match(const uintptr_t* sites, size_t count) const {
  for (size_t i = 0; i < count && size_ != 0; ++i) {
    Dl_info info;
    Module m;
    char program[512];
    const bool known = find_module(sites[i], m);
    const char* path = !known ? "" : m.path[0] != '\0' ? m.path : program_path(program, sizeof(program));
    const char* function = dladdr(reinterpret_cast<void*>(sites[i]), &info) != 0 && info.dli_sname != nullptr ? info.dli_sname : "";
    for (const char* name = text_; name < text_ + size_; name += strlen(name) + 1) {
      if (strcmp(function, name) == 0 || (path[0] != '\0' && ends_with(path, name))) return true;
    }
  }
  return false;
}

}  // namespace masu::debug
