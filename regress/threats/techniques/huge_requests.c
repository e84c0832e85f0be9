//! attack: sizes that wrap when rounded, padded or multiplied
//! outcome: stop or held
//! technique: house_of_force by size alone
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 15, SIZE_MAX - 4095, PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, (size_t)1 << 63};
  char* near_ = get(64);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    if (malloc(sizes[i])) broken("malloc granted an impossible size");
    if (calloc(1, sizes[i]) || calloc(sizes[i], 2) || calloc(sizes[i] / 2 + 1, 2)) broken("calloc granted an impossible size");
    if (realloc(near_, sizes[i])) broken("realloc granted an impossible size");
    if (reallocarray(near_, sizes[i], 3)) broken("reallocarray granted an impossible size");
    if (sizes[i] % 64 == 0 && aligned_alloc(64, sizes[i])) broken("aligned_alloc granted an impossible size");
    void* out = NULL;
    if (posix_memalign(&out, 4096, sizes[i]) == 0) broken("posix_memalign granted an impossible size");
    if (posix_memalign(&out, (size_t)1 << 62, 64) == 0) broken("posix_memalign granted an impossible alignment");
  }
  churn(64, 1000);
  held();
}
