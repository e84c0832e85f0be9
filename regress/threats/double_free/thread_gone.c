//! attack: freed by a thread that has exited since, then again
//! outcome: stop
//! says: double free|unmapped
#include "../threats.h"

static void* block;

static void* worker(void* unused) {
  block = malloc(64);
  free(block);
  return unused;
}

int main(int argc, char** argv) {
  begin(argc, argv);
  on_thread(worker, NULL);
  free(block);
  for (int i = 0; i < 500; ++i) get(64);
  held();
}
