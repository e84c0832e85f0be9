//! kind: negative-size-param
//! access: write
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static char source[256];

static void misuse(char* block, size_t size) { memcpy(block, source, size); }

int main(void) {
  char* block = allocate(96);
  misuse(block, FAULT((size_t)-1, 96));
  release(block);
  return 0;
}
