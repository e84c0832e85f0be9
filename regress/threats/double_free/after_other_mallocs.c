//! attack: the stale pointer freed after its block went to somebody else
//! outcome: stop
//! variants: 6
//! says: double free|unmapped
//! count: no
#include "../threats.h"

// The stale free may free the new holder's block, which no allocator can tell. Then the holder's own free must stop.
int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {16, 64, 512, 4096, 32768, 300000};
  const size_t size = sizes[variant];
  char* stale = get(size);
  put(stale);
  char* others[40];
  int recycled = -1;
  for (int i = 0; i < 40; ++i) {
    others[i] = malloc(size);
    if (others[i] == stale) recycled = i;
  }
  free(stale);
  if (recycled >= 0) free(others[recycled]);
  churn(size, 500);
  held();
}
