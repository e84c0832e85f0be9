//! attack: another thread frees the same block twice, before and after its batch is published
//! outcome: stop or held
//! variants: 5
//! says: double free|corrupt link
#include "../threats.h"

static void* extra[300];
static unsigned between;

static void* worker(void* block) {
  free(block);
  for (unsigned i = 0; i < between; ++i) free(extra[i]);
  free(block);
  return NULL;
}

int main(int argc, char** argv) {
  begin(argc, argv);
  static const unsigned counts[] = {0, 1, 10, 70, 300};
  between = counts[variant];
  char* block = get(64);
  forget(block);
  for (unsigned i = 0; i < between; ++i) extra[i] = malloc(64);
  on_thread(worker, block);
  for (int i = 0; i < 1000; ++i) get(64);
  held();
}
