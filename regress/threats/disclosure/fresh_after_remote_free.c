//! attack: what fresh blocks hold after they came back from another thread
//! outcome: held
//! variants: 6
#include "../disclosure.h"

static void* blocks[300];

static void* free_all(void* unused) {
  for (int i = 0; i < 300; ++i) free(blocks[i]);
  return unused;
}

int main(int argc, char** argv) {
  begin(argc, argv);
  const size_t bytes = sizes[variant];
  on_thread(free_all, NULL);  // the C library's own blocks for threads are made once
  for (int i = 0; i < 300; ++i) remember(blocks[i] = ours(bytes));
  on_thread(free_all, NULL);
  for (int i = 0; i < 3000; ++i) {
    void* block = malloc(bytes);
    if (was_ours(block)) must_tell_nothing(block, bytes, "a fresh block holds words of the allocator");
  }
  _exit(0);
}
