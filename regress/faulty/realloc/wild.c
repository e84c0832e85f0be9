//! kind: bad-free
//! access: free
//! lies: unmapped
//! faulted: misuse main
//! found: realloc-check
#include "../faulty.h"

static char* misuse(char* block) { return realloc(block, 200); }

int main(void) {
  release(misuse(FAULT((char*)0x414141414140, allocate(96))));
  return 0;
}
