//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: main
//! freed: destroy main
//! faulted: destroy main
//! found: free-check
#include "../faulty.h"

struct Node { char payload[96]; };

static void destroy(Node* node) { delete node; }

int main() {
  Node* node = new Node;
  destroy(node);
  if (FAULTY) destroy(node);
  return 0;
}
