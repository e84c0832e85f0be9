//! kind: heap-use-after-free
//! access: read 8
//! position: 0 bytes into a 16-byte block
//! allocated: allocate main
//! freed: drop misuse main
//! faulted: misuse main
//! found: guard
//! options: guard=all
#include "../faulty.h"

struct Node { struct Node* next; long key; };

static volatile long sum;

static void drop(struct Node* node) { free(node); }

static void misuse(struct Node* list) {
  for (struct Node *node = list, *next; node; node = next) {
    next = node->next;
    sum += node->key;
    drop(node);
    if (FAULTY) next = node->next;  // the classic: steps on after the free
  }
}

int main(void) {
  struct Node* list = NULL;
  for (int i = 0; i < 3; ++i) {
    struct Node* node = allocate(sizeof *node);
    node->next = list;
    node->key = i;
    list = node;
  }
  misuse(list);
  return 0;
}
