//! kind: memory-leak
//! access: leak
//! leak: direct 14 bytes in 1
//! allocated: parse main
//! found: leak-scan
//! options: leaks=1
#include "../faulty.h"

static int parse(const char* text) {
  char* copy = strdup(text);
  if (copy[0] != '{') {
    if (!FAULTY) free(copy);
    return -1;
  }
  free(copy);
  return 0;
}

int main(void) {
  parse("not an object");
  scrub_stack();
  return 0;
}
