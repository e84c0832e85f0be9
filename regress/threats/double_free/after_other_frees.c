//! attack: other frees of the class in between, so that the last-freed check does not see it
//! outcome: stop
//! variants: 24
//! says: double free|unmapped|wild
//! technique: fastbin_dup
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const unsigned between[] = {1, 7, 8, 100, 600, 3000};
  static const size_t sizes[] = {32, 256, 2000, 20000};
  static void* others[3000];
  const unsigned n = between[variant % 6];
  const size_t size = sizes[variant / 6];
  char* block = get(size);
  for (unsigned i = 0; i < n; ++i) others[i] = get(size);
  put(block);
  for (unsigned i = 0; i < n; ++i) put(others[i]);
  free(block);
  for (unsigned i = 0; i < n + 2; ++i) get(size);
  held();
}
