#include "debug/inherit.h"

#include <string.h>

namespace masu::debug {
namespace {

const char* file_name(const char* path, const char* end) {
  const char* name = end;
  while (name != path && name[-1] != '/') --name;
  return name;
}

}  // namespace

void remove_from_preload(char* list, const char* library) {
  const char* const end = library + strlen(library);
  const char* const name = file_name(library, end);
  char* out = list;
  for (const char* at = list; *at != '\0';) {
    const size_t length = strcspn(at, ": ");
    const char* const entry = file_name(at, at + length);
    const bool ours = at + length - entry == end - name && memcmp(entry, name, static_cast<size_t>(end - name)) == 0;
    const size_t whole = length + (at[length] != '\0');
    if (!ours) {
      memmove(out, at, whole);
      out += whole;
    }
    at += whole;
  }
  *out = '\0';
}

}  // namespace masu::debug
