//! kind: memory-leak
//! access: leak
//! leak: direct 9600 bytes in 100
//! allocated: allocate work main
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

static char* kept[100];

static void work(void) {
  for (int i = 0; i < 100; ++i) {
    char* block = allocate(96);
    if (!FAULTY) kept[i] = block;
  }
}

int main(void) {
  work();
  scrub_stack();
  return 0;
}
