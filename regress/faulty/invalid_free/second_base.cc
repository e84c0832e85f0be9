//! kind: bad-free
//! access: free
//! position: 16 bytes into a 24-byte block
//! allocated: main
//! faulted: destroy main
//! found: free-check
#include "../faulty.h"

struct First { virtual ~First() {} long a = 1; };
struct Second { long b = 2; };  // no virtual destructor
struct Both : First, Second {};

static void destroy(Second* part) {
  if (FAULTY) delete part;
  else delete static_cast<Both*>(part);
}

int main() {
  destroy(new Both);
  return 0;
}
