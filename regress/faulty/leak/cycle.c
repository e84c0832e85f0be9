//! kind: memory-leak
//! access: leak
//! leak: total 96 bytes in 2
//! allocated: allocate work main
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

struct Node { struct Node* next; char payload[40]; };

static struct Node* kept;

static void work(void) {
  struct Node* first = allocate(sizeof *first);
  struct Node* second = allocate(sizeof *second);
  first->next = second;
  second->next = first;
  if (!FAULTY) kept = second;
}

int main(void) {
  work();
  scrub_stack();
  return 0;
}
