//! kind: memory-leak
//! access: leak
//! leak: direct 48 bytes in 1
//! allocated: work main
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

struct Node { long key = 1; long more[5] = {}; };

static thread_local Node* kept;

static void work() {
  Node* node = new Node;
  if (!FAULTY) kept = node;  // reachable from thread-local storage
}

int main() {
  work();
  scrub_stack();
  return 0;
}
