// malloc before the allocator's own constructor: in .preinit_array and in a constructor of another library. Every one of these blocks
// must be intact in main, and can be freed by any thread. Also run with LD_AUDIT.
#include <thread>

#include "early_library.h"

namespace {

Block of_preinit[40];

void at_preinit(int, char**, char**) {
  Random random(9);
  for (Block& block : of_preinit) block = Block::make(random.size());
  churn(random, 200);
}
[[gnu::section(".preinit_array"), gnu::used]] void (*const kPreinit)(int, char**, char**) = at_preinit;

}  // namespace

int main() {
  check_take_over();
  early_library_block().release();
  for (size_t i = 0; i < 20; ++i) of_preinit[i].release();
  std::thread([] {
    for (size_t i = 20; i < 40; ++i) of_preinit[i].release();
  }).join();
  Random random(1);
  churn(random, 5000);
}
