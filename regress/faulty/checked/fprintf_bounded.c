//! kind: heap-buffer-overflow
//! access: read
//! position: 0 bytes past a 32-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
//! missed-by: asan
#include "../faulty.h"

// No end is needed where a precision says how much.
static void misuse(FILE* file, const char* block) { fprintf(file, "%d %.*s\n", 7, FAULT(33, 32), block); }

int main(void) {
  FILE* file = fopen("/dev/null", "w");
  char* block = memset(allocate(32), 'x', 32);
  misuse(file, block);
  release(block);
  fclose(file);
  return 0;
}
