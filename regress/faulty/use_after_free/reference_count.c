//! kind: heap-use-after-free
//! access: write 8 | read 8
//! position: 0 bytes into a 96-byte block
//! allocated: allocate main
//! freed: release main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

struct Counted { long references; char payload[88]; };

static void misuse(struct Counted* object) { --object->references; }

int main(void) {
  struct Counted* object = allocate(sizeof *object);
  object->references = 2;
  if (FAULTY) release(object);
  misuse(object);
  if (!FAULTY) release(object);
  return 0;
}
