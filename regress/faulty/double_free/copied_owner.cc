//! kind: double-free
//! access: free
//! position: 0 bytes into a 96-byte block
//! allocated: Owner main
//! freed: ~Owner main
//! faulted: ~Owner main
//! found: free-check
#include "../faulty.h"

class Owner {  // no copy constructor: a copy owns the same array
 public:
  explicit Owner(int count) : items_(new int[count]) {}
  ~Owner() { delete[] items_; }
  int* items_;
};

static void use(Owner owner) { owner.items_ = FAULT(owner.items_, nullptr); }

int main() {
  Owner owner(24);
  use(owner);
  return 0;
}
