//! kind: bad-free
//! access: free
//! position: 2 bytes into a 19-byte block
//! allocated: main
//! faulted: release main
//! found: free-check
#include "../faulty.h"

static char* trimmed(char* text) {
  while (*text == ' ') ++text;
  return text;
}

int main(void) {
  char* text = strdup("  two blanks first");
  release(FAULT(trimmed(text), text));
  return 0;
}
