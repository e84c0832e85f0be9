//! kind: memory-leak
//! access: leak
//! leak: direct 96 bytes in 1
//! allocated: allocate work main
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

struct Owner { char* payload; };

static void work(void) {
  struct Owner* owner = malloc(sizeof *owner);
  owner->payload = allocate(96);
  if (!FAULTY) release(owner->payload);
  release(owner);
}

int main(void) {
  work();
  scrub_stack();
  return 0;
}
