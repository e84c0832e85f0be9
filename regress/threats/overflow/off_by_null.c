//! attack: a single zero byte past the end, at sizes that end on a page and at ones that do not
//! outcome: stop or held
//! variants: 7
//! technique: poison_null_byte, house_of_einherjar
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {0x18, 0xf8, 0x100, 0x4f8, 0x1f8, 4096, 4088};
  const size_t size = sizes[variant];
  char *a = get_open(size), *b = get_open(size), *c = get_open(size), *d = get_open(size);
  put(a);
  b[malloc_usable_size(b)] = 0;
  if (size > 16) *(uint64_t*)(b + size - 8) = 2 * (size + 8);  // a prev_size that reaches back to a
  put(c);
  char* large = get(size * 3);
  (void)d, (void)large;
  churn(size, 2000);
  held();
}
