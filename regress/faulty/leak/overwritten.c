//! kind: memory-leak
//! access: leak
//! leak: direct 96 bytes in 1
//! allocated: allocate main
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

static char* kept;

int main(void) {
  kept = allocate(96);
  if (!FAULTY) release(kept);
  kept = allocate(40);
  scrub_stack();
  return 0;
}
