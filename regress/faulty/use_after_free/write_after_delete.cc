//! kind: heap-use-after-free
//! access: write 8
//! position: 8 bytes into a 16-byte block
//! allocated: main
//! freed: destroy main
//! faulted: misuse main
//! found: exit-sweep
#include "../faulty.h"

struct Node { long key; Node* next; };

static void destroy(Node* node) { delete node; }

static void misuse(Node* node) { node->next = nullptr; }

int main() {
  Node* node = new Node;
  if (FAULTY) destroy(node);
  misuse(node);
  if (!FAULTY) destroy(node);
  return 0;
}
