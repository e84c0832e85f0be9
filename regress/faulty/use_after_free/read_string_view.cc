//! kind: heap-use-after-free
//! access: read 1
//! position: 5 bytes into a 96-byte block
//! allocated: main
//! freed: main
//! faulted: misuse main
//! found: guard
//! options: guard=all
#include "../faulty.h"

#include <string>
#include <string_view>

static volatile char seen;

static void misuse(std::string_view view) { seen = view[5]; }

int main() {
  std::string* text = new std::string(95, 'x');
  std::string_view view = *text;
  if (FAULTY) delete text;
  misuse(view);
  if (!FAULTY) delete text;
  return 0;
}
