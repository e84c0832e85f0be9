//! attack: a small block freed, a large request in between, freed again
//! outcome: stop
//! variants: 4
//! says: double free
//! technique: fastbin_dup_consolidate
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  char* a = get(0x40);
  get(0x40);
  put(a);
  get(0x400 << variant * 4);
  free(a);
  for (int i = 0; i < 40; ++i) get(0x40);
  held();
}
