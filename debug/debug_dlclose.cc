// dlclose: what is known of the code that may be gone now is forgotten, else a library loaded in its place would be
// walked by the old one's rules.
#include <dlfcn.h>

#include "debug/checked.h"
#include "debug/heap.h"

MASU_CHECKED(int, dlclose, (void* handle), nullptr) {
  const int result = real_dlclose(handle);
  masu::debug::debug_heap().unwinder().forget();
  return result;
}
