// Everything a replacement malloc must bring, and all of it from one library: a forgotten one would be glibc's, on another heap.
// Then those that hardly anybody calls.
#include <malloc.h>

#include "check.h"

static void check_old_calls() {
  void* p = hide(malloc(100'000));
  const auto info = reinterpret_cast<struct mallinfo (*)()>(address_of("mallinfo"))();
  CHECK(info.uordblks >= 100'000 && static_cast<size_t>(info.uordblks) == mallinfo2().uordblks);
  reinterpret_cast<void (*)(void*)>(address_of("cfree"))(p);
  CHECK(mallinfo2().uordblks <= static_cast<size_t>(info.uordblks));
  reinterpret_cast<void (*)()>(address_of("masu_purge"))();

  int ends[2];
  const int error = dup(STDERR_FILENO);
  CHECK(error >= 0 && pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
  malloc_stats();
  CHECK(dup2(error, STDERR_FILENO) >= 0);
  char text[6] = {};
  CHECK(read(ends[0], text, 5) == 5 && strcmp(text, "masu:") == 0);
}

int main() {
  check_take_over();
  const char* const names[] = {
      "malloc", "free", "calloc", "realloc", "aligned_alloc", "malloc_usable_size", "memalign", "posix_memalign", "pvalloc", "valloc",
      "reallocarray", "cfree", "free_sized", "free_aligned_sized", "malloc_trim", "malloc_info", "malloc_stats", "mallinfo",
      "mallinfo2", "mallopt", "masu_version",
      // new: plain, array, each nothrow, aligned, both
      "_Znwm", "_Znam", "_ZnwmRKSt9nothrow_t", "_ZnamRKSt9nothrow_t", "_ZnwmSt11align_val_t", "_ZnamSt11align_val_t",
      "_ZnwmSt11align_val_tRKSt9nothrow_t", "_ZnamSt11align_val_tRKSt9nothrow_t",
      // delete: plain, array, each nothrow, sized, aligned, aligned nothrow, sized aligned
      "_ZdlPv", "_ZdaPv", "_ZdlPvRKSt9nothrow_t", "_ZdaPvRKSt9nothrow_t", "_ZdlPvm", "_ZdaPvm", "_ZdlPvSt11align_val_t",
      "_ZdaPvSt11align_val_t", "_ZdlPvSt11align_val_tRKSt9nothrow_t", "_ZdaPvSt11align_val_tRKSt9nothrow_t",
      "_ZdlPvmSt11align_val_t", "_ZdaPvmSt11align_val_t"};
  Dl_info malloc_info_;
  CHECK(dladdr(address_of("malloc"), &malloc_info_) != 0);
  int wrong = 0;
  for (const char* name : names) {
    // cfree is gone from new links but old binaries carry it: any version will do.
    void* address = address_of(name);
    Dl_info info = {};
    if (address == nullptr || dladdr(address, &info) == 0 || strcmp(info.dli_fname, malloc_info_.dli_fname) != 0) {
      fprintf(stderr, "%s: %s\n", name, address == nullptr ? "missing" : info.dli_fname);
      ++wrong;
    }
  }
  CHECK(wrong == 0);
  check_old_calls();
}
