//! attack: a block freed, its neighbour freed, itself freed again after one malloc of the class
//! outcome: stop
//! says: double free
//! technique: house_of_botcake
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  void* fill[7];
  for (int i = 0; i < 7; ++i) fill[i] = get(0x100);
  char *previous = get(0x100), *a = get(0x100);
  get(16);
  for (int i = 0; i < 7; ++i) put(fill[i]);
  put(a);
  put(previous);
  char* one = get(0x100);
  if (one == a) {  // the block itself came back: its free is legal once, and not twice
    put(a);
  }
  free(a);
  char* overlap = get(0x120);
  for (int i = 0; i < 20; ++i) get(0x100);
  (void)overlap;
  held();
}
