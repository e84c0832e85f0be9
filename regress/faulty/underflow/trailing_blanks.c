//! kind: heap-buffer-overflow
//! access: write 1
//! position: 1 byte before a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

// The classic: strips trailing blanks of a text that is all blanks.
static void misuse(char* text) {
  char* end = text + strlen(text) - 1;
  while (end >= text - FAULT(1, 0) && (end < text || *end == ' ')) *end-- = 0;
}

int main(void) {
  char* text = allocate(96);
  strcpy(text, "    ");
  misuse(text);
  release(text);
  return 0;
}
