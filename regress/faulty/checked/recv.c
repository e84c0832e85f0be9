//! kind: heap-buffer-overflow
//! access: write 97
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: checked-function
#include "../faulty.h"

static char source[512];

static void misuse(char* block) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) _exit(74);
  if (write(pair[0], source, 200) != 200) _exit(74);
  if (recv(pair[1], block, FAULT(97, 96), 0) < 0) _exit(74);
}

int main(void) {
  char* block = allocate(96);
  misuse(block);
  release(block);
  return 0;
}
