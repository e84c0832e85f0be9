//! kind: memory-leak
//! access: leak
//! leak: direct 96 bytes in 1
//! allocated: allocate work main
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

struct Node { struct Node* left; struct Node* right; char payload[80]; };

static struct Node* root;

static void work(void) {
  root = malloc(sizeof *root);
  root->left = allocate(sizeof *root);
  root->right = NULL;
  root->left->left = NULL;
  root->left->right = NULL;
  if (FAULTY) root->left = NULL;
}

int main(void) {
  work();
  scrub_stack();
  return 0;
}
