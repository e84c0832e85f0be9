//! kind: memory-leak
//! access: leak
//! leak: direct 64 bytes in 1
//! allocated: allocate work main
//! found: leak-scan
//! options: leaks=1
//! missed-by: asan
#include "../faulty.h"

static void* kept;

// Copies all over the stack where the frames of exit() will lie when main has returned.
static void work(void) {
  void* volatile copies[512];
  copies[0] = allocate(64);
  for (int i = 1; i < 512; ++i) copies[i] = copies[0];
  if (!FAULTY) kept = copies[511];
}

int main(void) {
  work();
  return 0;
}
