//! kind: memory-leak
//! access: leak
//! leak: direct 48 bytes in 1; indirect 144 bytes in 3
//! allocated: allocate work main
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

struct Node { struct Node* next; char payload[40]; };

static struct Node* kept;

static void work(void) {
  struct Node* list = NULL;
  for (int i = 0; i < 4; ++i) {
    struct Node* node = allocate(sizeof *node);
    node->next = list;
    list = node;
  }
  if (!FAULTY) kept = list;
}

int main(void) {
  work();
  scrub_stack();
  return 0;
}
