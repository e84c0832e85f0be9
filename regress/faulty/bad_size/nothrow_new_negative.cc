//! kind: allocation-size-too-big
//! access: allocate
//! faulted: misuse main
//! found: argument-check
#include "../faulty.h"

#include <new>

static void* misuse() { return operator new(FAULT(size_t(-96), 96), std::nothrow); }

int main() {
  operator delete(misuse());
  return 0;
}
