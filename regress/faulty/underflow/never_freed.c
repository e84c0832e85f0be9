//! kind: heap-buffer-overflow
//! access: write 1
//! position: 4 bytes before a 96-byte block
//! allocated: main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

static char* kept;

static void misuse(char* block) { block[FAULT(-4, 4)] = 'x'; }

int main(void) {
  kept = calloc(12, 8);
  misuse(kept);
  return 0;
}
