//! kind: heap-buffer-overflow
//! access: write 8
//! position: 0 bytes past a 96-byte block
//! allocated: main
//! faulted: misuse main
//! found: free-check in destroy main
#include "../faulty.h"

static void misuse(double* values) { values[FAULT(12, 11)] = 1.0; }

static void destroy(double* values) { delete[] values; }

int main() {
  double* values = new double[12];
  misuse(values);
  destroy(values);
  return 0;
}
