//! kind: heap-buffer-overflow
//! access: write
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static size_t capacity = 96;

static char* misuse(char* block) {
  FILE* file = fdopen(input_of(96), "r");
  if (FAULTY) capacity = 200;  // more than the block has
  if (getline(&block, &capacity, file) != 97) _exit(74);
  fclose(file);
  return block;
}

int main(void) {
  release(misuse(allocate(96)));
  return 0;
}
