//! kind: heap-buffer-overflow
//! access: write 1
//! position: 3 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

static char* kept;

static void misuse(char* block) { block[FAULT(96 + 3, 93)] = 'x'; }

int main(void) {
  kept = allocate(96);
  misuse(kept);
  return 0;
}
