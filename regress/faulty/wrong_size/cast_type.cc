//! kind: new-delete-type-mismatch
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: main
//! faulted: destroy main
//! found: free-check
//! missed-by: memcheck
#include "../faulty.h"

struct Small { char bytes[32]; };
struct Big { char bytes[96]; };

static void destroy(void* object) {
  if (FAULTY) delete static_cast<Small*>(object);
  else delete static_cast<Big*>(object);
}

int main() {
  destroy(new Big);
  return 0;
}
