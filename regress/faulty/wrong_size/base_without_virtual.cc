//! kind: new-delete-type-mismatch
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: main
//! faulted: destroy main
//! found: free-check
//! missed-by: memcheck
#include "../faulty.h"

struct Base { long a = 1; };
struct Derived : Base { long more[11] = {}; };

static void destroy(Base* object) {
  if (FAULTY) delete object;
  else delete static_cast<Derived*>(object);
}

int main() {
  destroy(new Derived);
  return 0;
}
