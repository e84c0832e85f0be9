//! attack: freed by another thread, then by its owner
//! outcome: stop
//! variants: 6
//! says: double free|unmapped|foreign|corrupt link
//! count: no
#include "../threats.h"

static void* worker(void* block) {
  free(block);
  return NULL;
}

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {16, 64, 1000, 5000, 40000, 2 << 20};
  char* block = get(sizes[variant]);
  forget(block);
  on_thread(worker, block);
  free(block);
  for (int i = 0; i < 200; ++i) get(sizes[variant] > 100000 ? 64 : sizes[variant]);
  held();
}
