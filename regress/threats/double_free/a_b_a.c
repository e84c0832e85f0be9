//! attack: free a, free b, free a: the classic that passes a last-entry check
//! outcome: stop
//! variants: 6
//! says: double free|unmapped|wild
//! technique: fastbin_dup, fastbin_dup_into_stack
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {16, 64, 512, 4096, 32768, 300000};
  const size_t size = sizes[variant];
  char *a = get(size), *b = get(size), *c = get(size);
  put(a);
  put(b);
  free(a);
  for (int i = 0; i < 4; ++i) get(size);
  put(c);
  held();
}
