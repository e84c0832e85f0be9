//! kind: heap-buffer-overflow
//! access: write 4
//! position: 0 bytes past a 96-byte block
//! allocated: allocate main
//! faulted: misuse main
//! found: free-check in release main
#include "../faulty.h"

static void misuse(int* numbers) {
  for (int i = 0; i <= FAULT(24, 23); ++i) numbers[i] = i;
}

int main(void) {
  int* numbers = allocate(24 * sizeof(int));
  misuse(numbers);
  release(numbers);
  return 0;
}
