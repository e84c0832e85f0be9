//! attack: freed remotely, drained by its owner, freed again by either
//! outcome: stop
//! variants: 2
//! says: double free|unmapped
#include "../threats.h"

static void* worker(void* block) {
  free(block);
  return NULL;
}

int main(int argc, char** argv) {
  begin(argc, argv);
  char* block = get(64);
  static void* fill[2000];
  forget(block);
  on_thread(worker, block);
  for (int i = 0; i < 2000; ++i) {  // until the owner has drained; the block may come back
    fill[i] = malloc(64);
    if (fill[i] == block) break;
  }
  for (int i = 0; i < 2000 && fill[i]; ++i) free(fill[i]);
  if (variant == 0) free(block);
  else on_thread(worker, block);
  churn(64, 4000);
  held();
}
