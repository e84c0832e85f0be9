//! kind: alloc-dealloc-mismatch
//! access: free
//! position: 0 bytes into a 5-byte block
//! allocated: main
//! faulted: destroy main
//! found: free-check
#include "../faulty.h"

static void destroy(char* text) {
  if (FAULTY) delete text;
  else free(text);
}

int main() {
  destroy(strdup("text"));
  return 0;
}
