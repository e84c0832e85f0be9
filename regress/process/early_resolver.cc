// malloc in an IFUNC resolver of the program: it runs during relocation, when thread storage exists but does not hold its initial
// values yet; the dynamic linker copies those afterwards, over whatever was written there. The blocks must be intact in main.
#include <thread>

#include "check.h"

namespace {

// Plain storage: nothing may be initialized later over what the resolver wrote.
unsigned char* blocks[40];
size_t sizes[40];

int answer() { return 42; }

}  // namespace

extern "C" {
__attribute__((used)) static int (*resolve())() {
  for (size_t i = 0; i < 40; ++i) {
    sizes[i] = 1 + i * i * 100;
    blocks[i] = static_cast<unsigned char*>(hide(malloc(sizes[i])));
    if (blocks[i] == nullptr) __builtin_trap();
    blocks[i][0] = blocks[i][sizes[i] - 1] = static_cast<unsigned char>(i);
    free(hide(malloc(100)));
  }
  return answer;
}
static int resolved() __attribute__((ifunc("resolve")));
}

int main() {
  check_take_over();
  CHECK(resolved() == 42);
  Random random(1);
  churn(random, 5000);
  for (size_t i = 0; i < 40; ++i) {
    CHECK(blocks[i][0] == i && blocks[i][sizes[i] - 1] == i);
    if (i % 2 == 0) free(blocks[i]);
  }
  std::thread([] {
    for (size_t i = 1; i < 40; i += 2) free(blocks[i]);
  }).join();
}
