//! kind: heap-buffer-overflow
//! access: write 4
//! position: 0 bytes past a 96-byte block
//! allocated: main
//! faulted: misuse main
//! found: free-check in main
#include "../faulty.h"

#include <vector>

static void misuse(std::vector<int>& values) { values.data()[FAULT(24, 23)] = 5; }

int main() {
  std::vector<int> values(24);
  misuse(values);
  return 0;
}
