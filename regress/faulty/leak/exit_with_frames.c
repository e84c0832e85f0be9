//! kind: memory-leak
//! access: leak
//! leak: direct 48 bytes in 1
//! allocated: allocate work main
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

static void* work(void) { return allocate(48); }

// exit() leaves main's frame as it is: what it holds is not lost.
int main(void) {
  void* volatile held = work();
  if (FAULTY) held = NULL;
  scrub_stack();
  exit(0);
}
