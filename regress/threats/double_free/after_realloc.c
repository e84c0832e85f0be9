//! attack: the old pointer freed after realloc moved the block
//! outcome: stop
//! variants: 5
//! says: double free|unmapped|foreign
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {16, 100, 3000, 40000, 2 << 20};
  const size_t size = sizes[variant];
  char* block = get(size);
  forget(block);
  char* in_the_way = get(size);
  char* moved = realloc(block, size * 5);
  if (moved == block) _exit(77);
  free(block);
  enter(moved, size * 5, 1);
  get(size);
  put(in_the_way);
  held();
}
