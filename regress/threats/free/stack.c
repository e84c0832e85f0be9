//! attack: free of a local variable
//! outcome: stop
//! variants: 4
//! says: foreign|wild
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {16, 64, 4096, 65536};
  char* local = __builtin_alloca(sizes[variant]);
  memset(local, 0, sizes[variant]);
  forbid(local, sizes[variant]);
  free(local);
  churn(sizes[variant], 500);
  held();
}
