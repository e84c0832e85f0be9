//! kind: bad-free
//! access: free
//! lies: global
//! faulted: release main
//! found: free-check
#include "../faulty.h"

int main(void) {
  char* text = FAULT("a literal", strdup("a copy"));
  release(text);
  return 0;
}
