//! kind: heap-buffer-overflow
//! access: write 1
//! position: 0 bytes past a 1000003-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

static char* kept;

static void misuse(char* block) { block[FAULT(1000003, 1000002)] = 0; }

int main(void) {
  kept = allocate(1000003);
  misuse(kept);
  return 0;
}
