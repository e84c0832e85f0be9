//! kind: bad-free
//! access: free
//! position: 8 bytes into a 96-byte block
//! allocated: main
//! faulted: destroy main
//! found: free-check
#include "../faulty.h"

struct Item { ~Item() { value = 0; } long value = 7; };

static void destroy(Item* items) {
  if (FAULTY) free(items);  // new[] keeps the count in front of the items
  else delete[] items;
}

int main() {
  destroy(new Item[11]);
  return 0;
}
