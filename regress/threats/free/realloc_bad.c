//! attack: realloc of an address that is no live block
//! outcome: stop
//! variants: 6
//! says: foreign|wild|interior|misaligned|double free|unmapped
//! count: no
#include "../threats.h"

static char global[256];

int main(int argc, char** argv) {
  begin(argc, argv);
  char local[256];
  char* block = get(96);
  char* gone = get(96);
  put(gone);
  void* targets[] = {local, global, block + 16, block + 3, gone, (void*)0x414141414140};
  void* moved = realloc(targets[variant], 300);
  if (moved) enter(moved, 300, 1);
  churn(96, 2000);
  held();
}
