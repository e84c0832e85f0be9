// An LD_AUDIT library: lives in a namespace with a libc of its own, sees every symbol bound, and allocates while it does.
#include <link.h>

#include <cstdlib>
#include <cstring>

namespace {
char* last;
}

extern "C" {
unsigned la_version(unsigned version) { return version; }
unsigned la_objopen(link_map* map, Lmid_t, uintptr_t* cookie) {
  free(last);
  last = strdup(map->l_name);
  *cookie = reinterpret_cast<uintptr_t>(map);
  return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}
uintptr_t la_symbind64(Elf64_Sym* symbol, unsigned, uintptr_t*, uintptr_t*, unsigned*, const char* name) {
  free(last);
  last = strdup(name);
  return symbol->st_value;
}
}
